"""The options of a consumer are one object: what is typed is what there is."""

from __future__ import annotations

from dataclasses import fields

import pytest

import coldstream
from coldstream.consumers import Consumer, ConsumerOptions
from coldstream.consumers.options import Options


def test_the_type_has_every_option_and_no_other() -> None:
    names = [each.name for each in fields(Options) if each.name not in ("source", "name")]
    assert list(ConsumerOptions.__annotations__) == names


def test_they_are_kept_and_passed_on() -> None:
    options = ConsumerOptions(start="end", attempts=3, on_failure="skip")
    store = coldstream.Store("host=nowhere")
    consumer = Consumer(store, "account", "balances", lease=1.0, **options)  # type: ignore[misc]
    assert consumer._options.attempts == 3
    assert consumer._options.position_update_interval == 1
    with pytest.raises(TypeError, match="atempts"):
        Consumer(store, "account", "balances", atempts=3)  # type: ignore[call-arg]
