"""A batch keeps what the filters keep of its messages, one by one."""

from __future__ import annotations

import json

import pytest
from tests.archive_files import matches
from tests.archive_rows import make_rows

from coldstream.archive.format.rows import Row, to_batches, to_messages
from coldstream.archive.read.matching import Matching

NAMES = ["process", "a b", 'quoted"', "back\\slash", "zürich", "5", "true", "", "process2"]


def rows() -> list[Row]:
    """Every kind of metadata there is, also what only looks like the key."""
    texts: list[str | None] = [
        *(json.dumps({"correlationStreamName": f"{name}-1"}, ensure_ascii=False) for name in NAMES),
        *(json.dumps({"correlationStreamName": name}, ensure_ascii=False) for name in NAMES),
        '{"correlationStreamName": 5}',
        '{"correlationStreamName": true}',
        '{"correlationStreamName": null}',
        '{"other": "process-1"}',
        '{"a": {"correlationStreamName": "process-1"}}',
        '["correlationStreamName", "process-1"]',
        '{"text": "\\"correlationStreamName\\": \\"process-1\\""}',
        "null",
        None,
    ]
    found = make_rows(40 * len(texts))
    return [(*row[:6], texts[n % len(texts)], *row[7:]) for n, row in enumerate(found)]


ROWS = rows()


@pytest.mark.parametrize("member", [None, 0, 2])
@pytest.mark.parametrize("correlation", [None, *NAMES])
def test_the_same_as_message_by_message(correlation: str | None, member: int | None) -> None:
    matching = Matching(correlation, member, None if member is None else 3)
    found = kept = 0
    for batch in to_batches(ROWS):
        messages = to_messages(batch)
        wanted = [
            message
            for message in messages
            if matches(
                message,
                correlation=correlation,
                consumer_group_member=member,
                consumer_group_size=matching.consumer_group_size,
            )
        ]
        assert to_messages(matching(batch)) == wanted
        found += len(messages)
        kept += len(wanted)
    assert 0 < kept < found or matching == Matching()


def test_an_empty_batch_stays_one() -> None:
    [batch] = to_batches(ROWS[:10])
    for matching in (Matching("process"), Matching(None, 0, 2)):
        assert matching(batch.slice(0, 0)).num_rows == 0
