"""What a release promises the next one: tools/released.py."""

from __future__ import annotations

import json
from typing import Any

import pytest

from released import RECORD, broken, current

RELEASED: dict[str, Any] = {
    "version": "1.0.0",
    "migrations": {"0001_store": "a"},
    "functions": {"f": {"arguments": ["a text", "b bigint DEFAULT 0"], "returns": "SETOF text"}},
}


def now(**changes: Any) -> dict[str, Any]:
    return {**RELEASED, "version": "1.1.0.dev0", **changes}


def function(*arguments: str, returns: str = "SETOF text") -> dict[str, Any]:
    return {"functions": {"f": {"arguments": list(arguments), "returns": returns}}}


def test_what_was_released_is_as_it_was() -> None:
    assert broken(json.loads(RECORD.read_text("utf-8")), current()) == []


def test_this_checkout_keeps_its_own_promises() -> None:
    found = current()
    assert found["migrations"].keys() >= {"0001_store"}
    assert found["functions"]["get_stream_messages"]["arguments"][0] == "stream_name varchar"
    assert broken(found, {**found, "version": "9.0.0.dev0"}) == []


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"migrations": {"0001_store": "b"}}, "0001_store was released"),
        ({"migrations": {}}, "0001_store was released"),
        ({"functions": {}}, "is gone"),
        (function("a text"), "other arguments"),
        (function("a text", "b integer DEFAULT 0"), "other arguments"),
        (function("a text", "b bigint DEFAULT 0", "c text"), "no default"),
        (function("a text", "b bigint DEFAULT 0", returns="text"), "something else"),
        ({"version": "1.1.0"}, "is not recorded"),
    ],
)
def test_a_promise_that_is_not_kept_is_found(changes: dict[str, Any], problem: str) -> None:
    assert [each for each in broken(RELEASED, now(**changes)) if problem in each]


def test_what_may_change() -> None:
    more = function("a text", "b bigint DEFAULT 0", "c text DEFAULT NULL")
    assert broken(RELEASED, now(**more)) == []
    assert broken(RELEASED, now(migrations={"0001_store": "a", "0002_more": "b"})) == []
    assert broken({}, now()) == []
