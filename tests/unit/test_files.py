"""Messages in files: what is written is read back as it was, what is wrong is named by its line."""

from __future__ import annotations

import io
import random
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pyarrow.parquet as pq
import pytest

from coldstream import InvalidInput, Message
from coldstream.files import tables
from coldstream.files.compression import Counting, compressing, lines_of
from coldstream.files.lines import WRITERS, LineFormat, messages_of
from coldstream.files.scrub import Scrub
from coldstream.files.seen import Seen

START = datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC)
EVENTO = (
    b'{"id":"0b2f7b3e-6d05-4a26-9b9c-6b1f9c5d3a10","stream":"account-1","type":"Opened","pos":0,'
    b'"gpos":7,"data":{"a":1.10},"meta":null,"time":"2025-01-15T10:00:00Z"}\n'
)


def message(number: int, data: str | None = "{}", metadata: str | None = None) -> Message:
    return Message(
        UUID(int=number),
        "account-ö",
        'T"\n',
        number,
        number + 1,
        data,
        metadata,
        START + timedelta(seconds=number),
    )


MESSAGES = [
    message(1, '{"a": 1.10, "b": 12345678901234567890123}'),
    message(2, None, '{"k": "\\u00e4\\n"}'),
    message(3, "null", "null"),
    message(4, "[]", '"text"'),
]


def written(messages: list[Message], format: LineFormat, compression: str = "") -> bytes:
    file = io.BytesIO()
    with compressing(Counting(file), compression) as out:  # type: ignore[arg-type]
        for each in messages:
            out.write(WRITERS[format](each).encode())
    return file.getvalue()


def read(data: bytes) -> list[Message]:
    return [each for _, each in messages_of(lines_of(io.BytesIO(data), "file"))]


@pytest.mark.parametrize("compression", ["", "gzip", "zstd"])
def test_lines_come_back_as_they_were(compression: str) -> None:
    assert read(written(MESSAGES, "ndjson", compression)) == MESSAGES


def test_eventodb_lines_have_one_kind_of_null() -> None:
    [found] = read(EVENTO)
    assert (found.stream_name, found.position, found.global_position) == ("account-1", 0, 7)
    assert (found.data_text, found.metadata_text) == ('{"a":1.10}', None)
    again = written([found], "eventodb")
    assert again == EVENTO
    assert [each.data_text for each in read(written(MESSAGES, "eventodb"))][1:3] == [None, None]
    assert read(written(MESSAGES, "eventodb"))[0] == MESSAGES[0]


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
def test_a_compressed_file_that_was_cut_off_is_found_out(compression: str) -> None:
    data = written(
        [message(n, f'{{"n": "{random.random()}"}}') for n in range(500)], "ndjson", compression
    )
    for cut in (len(data) // 2, len(data) - 3):
        with pytest.raises(InvalidInput, match="file is damaged or was cut off"):
            read(data[:cut])


LINE = WRITERS["ndjson"](MESSAGES[0]).encode()


@pytest.mark.parametrize(
    "line",
    [
        LINE[:-20],
        b"[]",
        b"nonsense",
        LINE.replace(b'"type"', b'"kind"'),
        LINE.replace(b'"id":"', b'"id":"x'),
        LINE.replace(b'"position":1', b'"position":-1'),
        LINE.replace(b"+00:00", b""),
        LINE.replace(b"1.10", b"1.1.0"),
        LINE.replace(b"1.10", b"NaN"),
        LINE.replace(b"1.10", b'"\xff"'),
    ],
)
def test_a_line_that_is_no_message_is_named(line: bytes) -> None:
    with pytest.raises(InvalidInput, match=r"^Line 3 is no message: ") as caught:
        read(LINE + b"\n" + line)
    assert "\n" not in str(caught.value)


def test_a_parquet_file_comes_back_as_it_was_and_damage_is_found_out() -> None:
    file = io.BytesIO()
    tables.write_messages(Counting(file), MESSAGES)
    data = file.getvalue()
    assert [each for _, each in tables.messages_of(io.BytesIO(data), "file")] == MESSAGES
    column = pq.ParquetFile(io.BytesIO(data)).metadata.row_group(0).column(5)
    at = column.data_page_offset + column.total_compressed_size - 20
    changed = data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :]
    for wrong in (data[:-30], data[: len(data) // 2], changed):
        with pytest.raises(InvalidInput, match="damaged or no file of messages"):
            list(tables.messages_of(io.BytesIO(wrong), "file"))


def test_what_came_twice_is_found_in_parts() -> None:
    rest = random.Random(2)
    ids = [rest.getrandbits(128).to_bytes(16, "big") for _ in range(3)]
    with Seen() as seen:
        for number in range(1, 250_001):
            # Enough that every part has blocks in the file.
            key = ids[0] if number in (7, 249_000) else rest.getrandbits(128).to_bytes(16, "big")
            seen.add(key, number)
        assert seen.twice() == (7, 249_000)
        seen.add(ids[0], 249_500)
        assert seen.twice() == (7, 249_000)
    with Seen() as seen:
        for number, key in enumerate(ids):
            seen.add(key, number)
        assert seen.twice() is None


RULES = """
salt = "pepper"
[[rule]]
path = "data.owner.name"
[[rule]]
path = "data.lines[*].note"
constant = "..."
[[rule]]
path = "metadata.ip"
category = "account"
with = "constant"
constant = "0.0.0.0"
[[rule]]
path = "data.missing"
"""


def test_scrub_rules_change_what_they_name_and_say_what_they_did_not() -> None:
    before = message(
        1,
        '{"owner": {"name": "Ann", "age": 1.10}, "lines": [{"note": "x"}, {"note": "y"}]}',
        '{"ip": "10.1.2.3"}',
    )
    scrub = Scrub(RULES)
    first, second, untouched = scrub([before, before, message(2, None)])
    assert first == second
    assert first.data["lines"] == [{"note": "..."}, {"note": "..."}]
    assert first.data["owner"]["name"] != "Ann"
    assert len(first.data["owner"]["name"]) == 32
    assert '"age":1.10' in (first.data_text or "").replace(" ", "")
    assert first.metadata == {"ip": "0.0.0.0"}
    assert untouched == message(2, None)
    assert [rule.text for rule in scrub.unused] == ["data.missing"]
    assert list(Scrub(RULES)([before])) == [first]
    assert list(Scrub(RULES.replace("pepper", "salt"))([before])) != [first]


@pytest.mark.parametrize(
    "rules",
    [
        "",
        "rule = 1",
        "[[rule]]\npath = 1",
        '[[rule]]\npath = "owner.name"',
        '[[rule]]\npath = "data..name"',
        '[[rule]]\npath = "data[x]"',
        '[[rule]]\npath = "data.a"\nwith = "magic"',
        '[[rule]]\npath = "data.a"\nwith = "constant"',
        '[[rule]]\npath = "data.a"\ncolour = "red"',
        'other = 1\n[[rule]]\npath = "data.a"',
        "[[rule",
    ],
)
def test_a_scrub_rule_that_is_none_is_refused(rules: str) -> None:
    with pytest.raises(InvalidInput, match=r"(?i)scrub rule"):
        Scrub(rules)


def test_an_export_that_fails_leaves_no_file(tmp_path: Path) -> None:
    from coldstream.files.places import check_target, writing

    target = tmp_path / "out.ndjson"
    with suppress(ZeroDivisionError), writing(str(target)) as file:
        file.write(b"half")
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []
    target.write_text("mine")
    with pytest.raises(InvalidInput, match="exists"):
        check_target(str(target), None, overwrite=False)
    for wrong in (str(tmp_path), str(tmp_path / "no" / "file"), "s3://bucket"):
        with pytest.raises(InvalidInput):
            check_target(wrong, None, overwrite=True)
