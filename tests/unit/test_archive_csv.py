from __future__ import annotations

import csv as standard
import io
from datetime import UTC, datetime
from uuid import UUID

import pytest
from tests.archive_files import write_csv
from tests.archive_rows import batches, make_rows

from coldstream.archive.format import csv
from coldstream.archive.format.rows import Row
from coldstream.errors import ArchiveCorrupt

ROW: Row = (
    5,
    0,
    datetime(2026, 11, 3, 1, 2, 3, 4, tzinfo=UTC),
    'say "hi"-1',
    "Opened",
    '{"a": "b,c"}',
    None,
    UUID("0192d3a4-b5c6-7d8e-9fa0-b1c2d3e4f506"),
    'say "hi"',
)
HEADER = "global_position,position,time,stream_name,type,data,metadata,id\n"
LINE = (
    '5,0,2026-11-03T01:02:03.000004Z,"say ""hi""-1","Opened","{""a"": ""b,c""}",,'
    "0192d3a4-b5c6-7d8e-9fa0-b1c2d3e4f506\n"
)


def read(text: str) -> list[Row]:
    return [row for rows in csv.read_rows(io.BytesIO(text.encode())) for row in rows]


def test_the_text_of_a_row() -> None:
    file = io.BytesIO()
    write_csv(file, [[ROW]])
    assert file.getvalue().decode() == HEADER + LINE
    assert read(HEADER + LINE) == [ROW]


def test_null_is_nothing_and_empty_is_quoted() -> None:
    file = io.BytesIO()
    write_csv(file, [[(*ROW[:5], "", None, *ROW[7:])]])
    assert '"Opened","",,0192' in file.getvalue().decode()


def test_a_standard_reader_gets_the_fields() -> None:
    rows = make_rows(500)
    file = io.BytesIO()
    write_csv(file, batches(rows))
    found = list(standard.reader(io.StringIO(file.getvalue().decode(), newline="")))
    assert found[0] == HEADER.strip().split(",")
    assert [(int(r[0]), r[3], r[5]) for r in found[1:]] == [(r[0], r[3], r[5] or "") for r in rows]


@pytest.mark.parametrize(
    "text",
    [
        LINE,
        HEADER.replace("id", "uuid") + LINE,
        HEADER + LINE.replace("5,0", "5,x"),
        HEADER + LINE.replace('"Opened"', "Opened"),
        HEADER + LINE.replace('""hi""', '"hi"'),
        HEADER + LINE.replace("2026-11", "2026-13"),
        HEADER + LINE.replace("0192d3a4-", "0192d3a4"),
        HEADER + LINE.replace("0192d3a4-b5c6", "0192d3a4b5-c6"[:12] + "-"),
        HEADER + LINE + "\n",
        HEADER + LINE[:-1],
        HEADER + LINE + LINE[:40],
        HEADER + LINE.replace("\n", "\r\n"),
    ],
)
def test_what_the_writer_never_writes_is_refused(text: str) -> None:
    with pytest.raises(ArchiveCorrupt):
        read(text)


def test_a_stream_is_looked_for_no_further_than_it_can_be() -> None:
    # What follows the stream's last possible place is not even parsed.
    assert [
        m.position for m in csv.CsvRows(io.BytesIO((HEADER + LINE).encode())).stream("a-1")
    ] == []
    damaged = io.BytesIO((HEADER + LINE + "not a row").encode())
    assert list(csv.CsvRows(damaged).stream("a-1")) == []
    with pytest.raises(ArchiveCorrupt):
        list(csv.CsvRows(damaged).stream("t-1"))
