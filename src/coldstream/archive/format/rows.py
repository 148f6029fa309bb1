"""The archived row: its columns, their order, and the ways between tuples, Arrow and messages."""

from __future__ import annotations

from binascii import unhexlify
from collections import deque
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import repeat
from struct import error as StructError  # noqa: N812
from struct import iter_unpack
from typing import Any, TypeAlias
from uuid import UUID, SafeUUID

import pyarrow as pa
import pyarrow.compute as pc

from coldstream.archive.format.times import from_microseconds, microseconds
from coldstream.errors import ArchiveCorrupt
from coldstream.messages.message import Message

Row: TypeAlias = tuple[
    int,  # global_position
    int,  # position
    datetime,  # time: aware
    str,  # stream_name
    str,  # type
    str | None,  # data: JSON text exactly as PostgreSQL gives it
    str | None,  # metadata: likewise
    UUID,  # id: its text in a file
    str,  # category: of stream_name
]
Batch: TypeAlias = "Sequence[Row] | pa.RecordBatch"

_TYPES = {
    "global_position": pa.int64(),
    "position": pa.int64(),
    "time": pa.timestamp("us", tz="UTC"),
    "stream_name": pa.string(),
    "type": pa.string(),
    "data": pa.string(),
    "metadata": pa.string(),
    "id": pa.string(),
    "category": pa.string(),
}
# JSON and UUIDs are plain texts to Parquet. Iceberg has no type for JSON, and pyiceberg refuses a
# column that says it is JSON (docs/decisions/0013). Spark refuses a file that has Parquet's type
# for UUIDs, whatever column is asked for, and the bytes of one mean nothing to a reader of SQL.
_NULLABLE = {"data", "metadata"}
COLUMNS = tuple(_TYPES)
DICTIONARY = ("type", "category")
"""The columns whose texts are in a dictionary of a Parquet file's."""

# Iceberg readers find a column by its field id, so an id never changes its meaning.
SCHEMA = pa.schema(
    [
        pa.field(
            name,
            type,
            nullable=name in _NULLABLE,
            metadata={"PARQUET:field_id": str(number)},
        )
        for number, (name, type) in enumerate(_TYPES.items(), 1)
    ]
)

# What a Python datetime can hold: years 1 to 9999. PostgreSQL's infinity and BC are outside.
_EARLIEST = microseconds(datetime.fromisoformat("0001-01-01T00:00:00+00:00"))
_LATEST = microseconds(datetime.fromisoformat("9999-12-31T23:59:59.999999+00:00"))
_ID = r"^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$"  # for Arrow: $ is the end of all of it
_TEXTS_AT_ONCE = 1_000  # rows made into Arrow at once: an Arrow text column ends at 2 GiB


def to_batches(rows: Batch) -> Iterator[pa.RecordBatch]:
    """Record batches of :data:`SCHEMA` from tuples, or from a record batch with these columns.

    Raises:
        ValueError: a column is missing, NULL where it may not be, or holds what no message can.
    """
    if isinstance(rows, pa.RecordBatch):
        yield _conform(rows)
        return
    for start in range(0, len(rows), _TEXTS_AT_ONCE):
        yield _from_tuples(rows[start : start + _TEXTS_AT_ONCE])


def _from_tuples(rows: Sequence[Row]) -> pa.RecordBatch:
    try:
        g, p, t, s, y, d, m, i, c = zip(*rows, strict=True)
        columns = [
            pa.array(g, pa.int64()),
            pa.array(p, pa.int64()),
            pa.array([microseconds(time) for time in t], pa.int64()),
            *(pa.array(texts, pa.string()) for texts in (s, y, d, m)),
            pa.array([id.bytes for id in i], pa.binary(16)),
            pa.array(c, pa.string()),
        ]
    except (pa.ArrowException, AttributeError, OverflowError, UnicodeError) as error:
        raise ValueError(f"Not an archive row: {error}") from error
    return _conform(pa.record_batch(columns, names=list(COLUMNS)))


def _conform(batch: pa.RecordBatch) -> pa.RecordBatch:
    columns = []
    for field in SCHEMA:
        name = field.name
        if (at := batch.schema.get_field_index(name)) < 0:
            raise ValueError(f"The column {name} is missing")
        column = storage(batch.column(at))
        wanted = pa.binary(16) if name == "id" else _TYPES[name]
        if name == "id" and pa.types.is_string(column.type):
            check_ids(column)
        elif column.type != wanted:
            try:
                column = column.cast(wanted)
            except pa.ArrowException as error:
                raise ValueError(f"The column {name} is not {wanted}: {error}") from error
        if column.null_count and not field.nullable:
            raise ValueError(f"The column {name} holds NULL")
        if name == "time" and len(column):
            low, high = (v.as_py() for v in pc.min_max(column.cast(pa.int64())).values())
            if low < _EARLIEST or high > _LATEST:
                raise ValueError("A message's time is outside the years 1 to 9999")
        if column.type == pa.binary(16):
            column = _hyphenated(column).cast(pa.string())
        columns.append(column)
    return pa.record_batch(columns, schema=SCHEMA)


def check_ids(column: pa.StringArray) -> None:
    """Every id in the one form that PostgreSQL prints: lower case, with hyphens.

    Raises:
        ValueError: another text.
    """
    at = pc.index(pc.match_substring_regex(column, _ID), False).as_py()
    if at >= 0:
        raise ValueError(f"An id is not a UUID in lower case: {column[at].as_py()!r}")


def _all_of_36(column: pa.StringArray) -> bool:
    lengths = pc.min_max(pc.binary_length(column))
    return {lengths["min"].as_py(), lengths["max"].as_py()} <= {36, None}


def storage(column: pa.Array) -> pa.Array:
    """The plain array under an extension type, or the array itself."""
    return column.storage if isinstance(column, pa.ExtensionArray) else column


def _values(batch: pa.RecordBatch, name: str) -> list[Any]:
    column = storage(batch.column(name))
    if name == "time":
        # int64 to Python is far cheaper than a time zone lookup for every value.
        column = column.cast(pa.int64())
    values: list[Any] = column.to_pylist()
    return values


def joined(separator: str, *texts: pa.LargeStringArray) -> pa.LargeStringArray:
    """Columns of texts as one; NULL where one of them is."""
    return pc.binary_join_element_wise(*texts, pa.scalar(separator, pa.large_string()))


def _hyphenated(ids: pa.FixedSizeBinaryArray) -> pa.LargeStringArray:
    data = ids.buffers()[1].slice(ids.offset * 16, len(ids) * 16)
    digits = pa.py_buffer(bytes(data).hex().encode())
    hex = pa.FixedSizeBinaryArray.from_buffers(pa.binary(32), len(ids), [None, digits])
    hex = hex.cast(pa.binary()).cast(pa.large_string())
    cuts = ((0, 8), (8, 12), (12, 16), (16, 20), (20, 32))
    return joined("-", *(pc.utf8_slice_codeunits(hex, start, stop) for start, stop in cuts))


def to_rows(batch: pa.RecordBatch) -> list[Row]:
    """Tuples from a record batch of :data:`SCHEMA`, times in UTC."""
    return [
        (g, p, from_microseconds(t), s, y, d, m, i, c)
        for g, p, t, s, y, d, m, i, c in zip(
            *(
                _uuids(batch.column(name)) if name == "id" else _values(batch, name)
                for name in COLUMNS
            ),
            strict=True,
        )
    ]


def to_messages(batch: pa.RecordBatch) -> list[Message]:
    """Messages from a record batch of :data:`SCHEMA`, in its order.

    Most of a long read is spent here. So columns are made into objects one at a time, by loops that
    run in C, and the fields of a message are put where its constructor would put them.
    """
    messages: list[Message] = []
    new = Message.__new__
    for g, p, t, s, y, d, m, i in zip(
        _integers(batch["global_position"]),
        _integers(batch["position"]),
        _times(batch["time"]),
        batch["stream_name"].to_pylist(),
        batch["type"].to_pylist(),
        storage(batch["data"]).to_pylist(),
        storage(batch["metadata"]).to_pylist(),
        _uuids(batch["id"]),
        strict=True,
    ):
        message = new(Message)
        fields = message.__dict__
        fields["id"] = i
        fields["stream_name"] = s
        fields["type"] = y
        fields["position"] = p
        fields["global_position"] = g
        fields["data_text"] = d
        fields["metadata_text"] = m
        fields["time"] = t
        messages.append(message)
    return messages


def _integers(column: pa.Array) -> list[int]:
    """A column of 64-bit integers without NULLs."""
    bytes = memoryview(column.buffers()[1])[column.offset * 8 : (column.offset + len(column)) * 8]
    return bytes.cast("q").tolist()


def _times(column: pa.TimestampArray) -> list[datetime]:
    """Times in UTC. Arrow counts the days; a time zone is not looked up for every value."""
    local = column.cast(pa.timestamp("us"))
    parts = (pc.year, pc.month, pc.day, pc.hour, pc.minute, pc.second)
    within = pc.subtract(
        local.cast(pa.int64()), pc.floor_temporal(local, unit="second").cast(pa.int64())
    )
    columns = [_integers(part(local)) for part in parts]
    return list(map(datetime, *columns, _integers(within), repeat(UTC)))


def _uuids(column: pa.StringArray) -> list[UUID]:
    """UUIDs, whose constructor would take most of the time: it looks at every way to give one.

    Raises:
        ArchiveCorrupt: a text that is none.
    """
    if not len(column):
        return []
    # Any other length would move the digits of all that follow.
    if not _all_of_36(column):
        raise ArchiveCorrupt("The column id holds a text that is no UUID")
    start = memoryview(column.buffers()[1]).cast("i")[column.offset]
    digits = bytes(column.buffers()[2].slice(start, len(column) * 36)).replace(b"-", b"")
    try:
        numbers = [high << 64 | low for high, low in iter_unpack(">QQ", unhexlify(digits))]
    except (ValueError, StructError) as error:
        raise ArchiveCorrupt(f"The column id holds a text that is no UUID: {error}") from error
    if len(numbers) != len(column):
        raise ArchiveCorrupt("The column id holds a text that is no UUID")
    ids: list[UUID] = list(map(object.__new__, repeat(UUID, len(column))))
    # A deque of no length takes what an iterator gives and keeps nothing.
    deque(map(_set_int, ids, numbers), maxlen=0)
    deque(map(_set_is_safe, ids, repeat(SafeUUID.unknown)), maxlen=0)
    return ids


# A UUID has slots and refuses to be changed; these are the slots themselves.
_set_int = vars(UUID)["int"].__set__
_set_is_safe = vars(UUID)["is_safe"].__set__
