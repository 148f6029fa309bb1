"""Anybody sets anything named with a dot: what a function takes from there gives nobody a right."""

from __future__ import annotations

import re
from pathlib import Path

import coldstream

SQL = Path(coldstream.__file__).parent / "sql"

HARMLESS = {
    # Counts only in a session of who may delete; looked at by the tests of that file.
    ("write/messages_before_insert.sql", "coldstream.make_chunk"),
    ("archive/streams_while_restoring.sql", "coldstream.restoring"),
    # As that one; and the trigger that a switch makes at the source.
    ("copy/streams_while_copying.sql", "coldstream.copying"),
    ("statements/copy.sql", "coldstream.copying_back"),
    # The caller's own path, for the caller's own condition, in functions that run as the caller.
    ("read/read_positions.sql", "coldstream.condition_path"),
    ("read/read_stream.sql", "coldstream.condition_path"),
    ("serve/matching_messages.sql", "coldstream.condition_path"),
    # Shown, or looked at by the session whose it is, and nothing else.
    ("chunks/chunks_after_state.sql", "coldstream.seconds"),
    ("statements/consumers.sql", "coldstream.session"),
    ("statements/install.sql", "coldstream.session"),
    ("statements/sessions.sql", "coldstream.session"),
}


def test_what_functions_take_from_settings() -> None:
    found = {
        (path.relative_to(SQL).as_posix(), name)
        for path in SQL.rglob("*.sql")
        for name in re.findall(r"current_setting\(\s*'(coldstream\.\w+)'", path.read_text())
    }
    assert found == HARMLESS
