from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest
from tests.archive_files import matches

from coldstream.archive.read.filters import (
    correlation_category,
    hash_64,
    in_consumer_group,
)
from coldstream.messages.message import Message


def message(stream_name: str, metadata_text: str | None = None) -> Message:
    time = datetime(2026, 11, 3, tzinfo=UTC)
    return Message(UUID(int=1), stream_name, "T", 0, 1, None, metadata_text, time)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        # First 8 bytes of the MD5 sums in RFC 1321's test suite, as signed integers.
        ("", 0xD41D8CD98F00B204 - 2**64),
        ("a", 0x0CC175B9C0F1B6A8),
        ("abc", 0x900150983CD24FB0 - 2**64),
        ("message digest", 0xF96B697D7CB7938D - 2**64),
    ],
)
def test_hash_64(value: str, expected: int) -> None:
    assert hash_64(value) == expected


def test_consumer_groups_share_out_every_stream_with_an_id() -> None:
    names = [f"account-{number}" for number in range(200)]
    groups = [[name for name in names if in_consumer_group(name, m, 3)] for m in range(3)]
    assert sorted(name for group in groups for name in group) == sorted(names)
    assert all(len(group) > 30 for group in groups)


def test_consumer_groups_go_by_the_cardinal_id() -> None:
    size = 2**40
    member = abs(hash_64("123")) % size
    for name in ("account-123", "account-123+456", "other:command-123"):
        assert in_consumer_group(name, member, size)
    assert not in_consumer_group("account-456+123", member, size)
    # The id's own dashes belong to it.
    assert in_consumer_group("account-1-2", abs(hash_64("1-2")) % size, size)


def test_a_name_without_an_id_is_in_no_group() -> None:
    assert not in_consumer_group("account", 0, 1)
    # An empty id is an id.
    assert in_consumer_group("account-", 0, 1)


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        (None, None),
        ("null", None),
        ("{}", None),
        ('{"correlationStreamName": "process-123"}', "process"),
        ('{"correlationStreamName": "process"}', "process"),
        ('{"correlationStreamName": "pro\\"c-1-2"}', 'pro"c'),
        ('{"correlationStreamName": "größe-1"}', "größe"),
        ('{"correlationStreamName": null}', None),
        ('{"correlationStreamName": ""}', ""),
        ('{"correlationStreamName": 1.50}', "1.50"),
        ('{"correlationStreamName": 0.00000001}', "0.00000001"),
        ('{"correlationStreamName": true}', "true"),
        ('{"nested": {"correlationStreamName": "process-1"}}', None),
        ('["correlationStreamName"]', None),
        ('"correlationStreamName"', None),
        ('{"other": "correlationStreamName"}', None),
        ('{"correlationStreamName": -1.5}', ""),
        ('{"correlationStreamName": ["a", {"b": 1.50}]}', '["a", {"b": 1.50}]'),
        ('{"correlationStreamName": {"a": "}", "b-c": null}, "d": 1}', '{"a": "}", "b'),
        ('{"a": ["correlationStreamName"], "correlationStreamName": [1.0]}', "[1.0]"),
        ('{"a": "correlationStreamName", "n": ' + "9" * 5000 + "}", None),
        ('{"n": ' + "9" * 5000 + ', "correlationStreamName": "\\u0001é-1"}', "\x01é"),
        ('{"n": ' + "[" * 9000 + "]" * 9000 + ', "correlationStreamName": "a-1"}', "a"),
        ('{"n": ' + "9" * 5000 + ', "correlationStreamName": null}', None),
        ("[" + "9" * 5000 + ', "correlationStreamName"]', None),
    ],
)
def test_correlation(metadata: str | None, expected: str | None) -> None:
    assert correlation_category(metadata) == expected


def test_metadata_is_parsed_only_when_it_can_matter() -> None:
    broken = '{"not json'
    assert matches(message("account-1", broken))
    assert correlation_category(broken) is None


def test_all_filters_together() -> None:
    metadata = '{"correlationStreamName": "process-1"}'
    member = abs(hash_64("1")) % 2
    for correlation, at, expected in (
        ("process", member, True),
        ("process", 1 - member, False),
        ("other", member, False),
        (None, member, True),
    ):
        found = matches(
            message("account-1", metadata),
            correlation=correlation,
            consumer_group_member=at,
            consumer_group_size=2,
        )
        assert found is expected
    assert not matches(message("account-1"), correlation="process")
