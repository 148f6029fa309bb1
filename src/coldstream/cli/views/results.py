"""The result of a query: as a table, as JSON, as CSV."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time
from itertools import islice
from typing import Any

import pyarrow as pa
import simplejson

from coldstream.cli.views.render import Column, Unit, render_table

MOST_ROWS = 1_000
"""Of a table: people do not read more, and it is in memory."""

Rows = Iterator[tuple[Any, ...]]


def rows_of(reader: pa.RecordBatchReader) -> Rows:
    """Tuples of Python values, a batch in memory."""
    for batch in reader:
        yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)


def write_table(names: Sequence[str], types: Sequence[str], rows: Rows) -> None:
    """At most :data:`MOST_ROWS`; what is left out is said on stderr."""
    shown = list(islice(rows, MOST_ROWS))
    if list(names) == ["explain_key", "explain_value"]:
        print(*(value for _, value in shown), sep="\n")
        return
    columns = [
        Column(str(place), name, Unit.NUMBER if _is_number(type) else Unit.TEXT)
        for place, (name, type) in enumerate(zip(names, types, strict=True))
    ]
    render_table(
        "Result",
        columns,
        (
            {str(place): None if value is None else _shown(value) for place, value in enumerate(r)}
            for r in shown
        ),
        records=True,
    )
    if next(rows, None) is not None:
        print(f"the first {MOST_ROWS:,} rows; --json and --csv print all", file=sys.stderr)


def _shown(value: Any) -> str:
    """For people: a time as every other table has it, in UTC and with a Z."""
    if isinstance(value, datetime) and value.tzinfo is not None:
        return f"{value.astimezone(UTC).replace(tzinfo=None).isoformat(' ')}Z"
    return as_text(value)


def write_json_rows(names: Sequence[str], types: Sequence[str], rows: Rows) -> None:
    """An array of objects, a row a line. JSON columns are the text that was archived."""
    raw = [type == "JSON" for type in types]
    separator = "[\n"
    for row in rows:
        value = {
            name: simplejson.RawJSON(value) if is_raw and value is not None else value
            for name, is_raw, value in zip(names, raw, row, strict=True)
        }
        sys.stdout.write(separator + _json(value))
        separator = ",\n"
    sys.stdout.write("[]\n" if separator == "[\n" else "\n]\n")


def write_csv_rows(names: Sequence[str], types: Sequence[str], rows: Rows) -> None:
    """A header and the rows: NULL is empty, and an empty text is in quotes."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(names)
    for row in rows:
        if len(row) == 1 and row[0] is None:
            # The library would write "" for it, which is an empty text.
            sys.stdout.write("\n")
        elif "" in row:
            sys.stdout.write(",".join(map(_field, row)) + "\n")
        else:
            writer.writerow(None if value is None else as_text(value) for value in row)


def _field(value: Any) -> str:
    text = "" if value is None else as_text(value)
    quoted = value == "" or any(character in text for character in ',"\r\n')
    return '"' + text.replace('"', '""') + '"' if quoted else text


def as_text(value: Any) -> str:
    """A value that is not NULL, on one line or as it is: times in ISO 8601."""
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case datetime() | date() | time():
            return value.isoformat()
        case bytes():
            return f"\\x{value.hex()}"
        case list() | dict():
            return _json(value)
        case _:
            return str(value)


def _json(value: Any) -> str:
    text: str = simplejson.dumps(
        value,
        ensure_ascii=False,
        use_decimal=True,
        ignore_nan=True,
        encoding=None,  # bytes are no text
        default=as_text,
    )
    return text


def _is_number(type: str) -> bool:
    return type.endswith(("INT", "INTEGER", "FLOAT", "DOUBLE")) or type.startswith("DECIMAL")
