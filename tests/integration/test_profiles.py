"""The tools that take calls apart run. What they print is for people; how fast is not tested."""

from __future__ import annotations

import re
from types import ModuleType
from typing import Any

import pytest
from tests.fix_store import InstalledStore

import catch_up_profile
import read_profile
import tiers_profile
import write_profile

pytestmark = pytest.mark.native


@pytest.mark.parametrize(
    ("tool", "smaller", "lines"),
    [
        (write_profile, {"ROUNDS": 2, "WRITES": 5, "SIZES": (10,), "BATCHED": 20}, 18),
        (read_profile, {"ROUNDS": 1, "CALLS": 2, "MESSAGES": 4000}, 70),
        (catch_up_profile, {"ROUNDS": 1, "MESSAGES": 4000}, 8),
        (tiers_profile, {"ROUNDS": 1, "CALLS": 2, "STREAMS": 3}, 9),
    ],
    ids=["write", "read", "catch_up", "tiers"],
)
def test_every_part_has_a_figure(
    tool: ModuleType,
    smaller: dict[str, Any],
    lines: int,
    message_store: InstalledStore,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, value in smaller.items():
        monkeypatch.setattr(tool, name, value)
    monkeypatch.setattr("sys.argv", [tool.__name__, message_store.dsn])
    assert tool.main() == 0
    printed = capsys.readouterr().out.splitlines()
    figures = [
        [float(figure) for figure in re.findall(r" ([\d.]+)\b", line.replace(",", ""))]
        for line in printed
        if re.search(r" [\d,.]+$", line) and "batch of" not in line
    ]
    assert len(figures) == lines, "\n".join(printed)
    assert all(figure > 0 for row in figures for figure in row)
    left = message_store.run("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'bench\\_%'")
    assert left == []
