"""What a message says is the same to the byte in every tier, and in SQL."""

from __future__ import annotations

from datetime import UTC, datetime

from tests.clients import Client
from tests.fix_tiers import TierStore
from tests.history import END, START, WEEK, history

# As PostgreSQL's jsonb writes what history() gives it.
CANONICAL = {
    '{"amount": 1.10}': '{"amount": 1.10}',
    '{"number": 9007199254740993, "more": 123456789012345678901234567890}': (
        '{"more": 123456789012345678901234567890, "number": 9007199254740993}'
    ),
    '{"decimal": 123456789012345678901234567890.1234500}': (
        '{"decimal": 123456789012345678901234567890.1234500}'
    ),
    '{"text": "zürich ✓ 😀 \\u0001 \\" \\\\ \\n \\t /"}': (
        '{"text": "zürich ✓ 😀 \\u0001 \\" \\\\ \\n \\t /"}'
    ),
    "null": "null",
    None: None,
    '"text"': '"text"',
    "7": "7",
    "-0.0": "0.0",
    "1e3": "1000",
    "true": "true",
    "[]": "[]",
    "{}": "{}",
    '[1, [2, {"a": null}], "\\\\u0000"]': '[1, [2, {"a": null}], "\\\\u0000"]',
    '{"b": 1, "aa": 3, "a": 2}': '{"a": 2, "b": 1, "aa": 3}',
    '""': '""',
}


def test_json_text_of_every_message(tier: TierStore, client: Client) -> None:
    found = {m.id: m for m in client.get_all_messages()}
    written = {row[7]: CANONICAL[row[5]] for row in history()}
    assert {id: found[id].data_text for id in written} == written


def test_null_and_json_null_are_told_apart(tier: TierStore, client: Client) -> None:
    found = {m.id: m for m in client.get_all_messages()}
    written = {row[7]: row[6] for row in history()}
    texts = {id: found[id].metadata_text for id in written}
    assert {id for id, text in texts.items() if text is None} == {
        id for id, text in written.items() if text is None
    }
    assert {id for id, text in texts.items() if text == "null"} == {
        id for id, text in written.items() if text == "null"
    }


def test_times_to_the_microsecond(tier: TierStore, client: Client) -> None:
    found = {m.id: m.time for m in client.get_all_messages()}
    written = {row[7]: row[2] for row in history()}
    assert {id: found[id] for id in written} == written
    assert {time.tzinfo for time in found.values()} == {UTC}
    # The edges of chunks are among them.
    assert {START + n * WEEK for n in range(6)} <= set(written.values())
    assert max(written.values()) == END - datetime.resolution


def test_ids_types_and_positions(tier: TierStore, client: Client) -> None:
    found = {m.id: (m.global_position, m.position, m.type) for m in client.get_all_messages()}
    written = {row[7]: (row[0], row[1], row[4]) for row in history()}
    assert {id: found[id] for id in written} == written
