"""write_message runs as the owner under its caller's search path: nothing in it may follow that.

What happens otherwise is in tests/migration/test_role.py.
"""

from __future__ import annotations

import re

import pytest

from coldstream.sql import files

NOT_FUNCTIONS = {
    "and",
    "bit",
    "coalesce",
    "conflict",
    "greatest",
    "if",
    "messages",
    "operator",
    "or",
}
NOT_FUNCTIONS |= {"recent_ids", "returning", "s", "select", "streams", "values"}
NOT_FUNCTIONS |= {"array", "c", "u"}


FUNCTIONS = dict(files("functions")) | dict(files("internals"))


def code(name: str) -> str:
    """The body of a function's file, without comments, strings and qualified operators."""
    text = re.sub(r"--[^\n]*", "", FUNCTIONS[name]).split("$$")[1]
    text = re.sub(r"'[^']*'", "''", text)
    return re.sub(r"OPERATOR\(pg_catalog\.[^)]+\)", " ", text)


@pytest.mark.parametrize("name", ["write_message", "acquire_locks", "hash_64", "debugging"])
def test_every_operator_and_function_is_qualified(name: str) -> None:
    # What is assigned to, in plpgsql and in UPDATE; a minus before a number is part of the number.
    text = re.sub(r":=|-\d|#variable_conflict|(SET|,)\s+\w+ =", "", code(name))
    assert not re.findall(r"[-=<>+*/|%~!^&#]", text)
    called = re.findall(r"(?<![\w.@])([a-z_0-9]+)\s*\(", text.lower())
    assert set(called) <= NOT_FUNCTIONS


def test_what_write_message_calls_sets_the_path_or_is_inlined() -> None:
    called = set(re.findall(r"@extschema@\.(\w+)\(", code("write_message")))
    assert {"hash_64", "debugging", "admit_time", "check_write"} <= called
    for name in called - {"hash_64", "debugging", "acquire_lock"}:
        assert "SET search_path = pg_catalog, pg_temp" in FUNCTIONS[name]
