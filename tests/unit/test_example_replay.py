"""The part of examples/replay_on_ray that no engine is needed for."""

from __future__ import annotations

import random
import runpy
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "replay_on_ray"
replay: Callable[..., tuple[int, Decimal]] = runpy.run_path(str(EXAMPLE / "balance.py"))["replay"]

MESSAGES: list[tuple[int, str, str | None]] = [
    (0, "Opened", None),
    (1, "Deposited", '{"amount": 12345678901234567890.10}'),
    (2, "Withdrawn", '{"amount": 0.1}'),
    (3, "Closed", '{"amount": 5}'),
]


def test_any_order_gives_the_order_of_positions_and_every_digit() -> None:
    for seed in range(10):
        shuffled = random.Random(seed).sample(MESSAGES, len(MESSAGES))
        assert replay(shuffled) == (4, Decimal("12345678901234567890.00"))


@pytest.mark.parametrize("messages", [MESSAGES[1:], MESSAGES[:2] + MESSAGES[3:], MESSAGES * 2])
def test_a_gap_or_a_repeat_is_no_result(messages: Any) -> None:
    with pytest.raises(ValueError, match="belongs"):
        replay(messages)
