"""Messages as a Parquet file, with the archive's columns, in the order in which they come."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from coldstream.archive.format.rows import DICTIONARY, SCHEMA, to_batches, to_messages
from coldstream.errors import InvalidInput
from coldstream.messages.message import Message

_ROWS = 65_536
_BYTES = 64_000_000
_AT_ONCE = 1_000


def write_messages(sink: Any, messages: Iterable[Message]) -> None:
    """Write all of them: a row group in memory, of 65,536 messages or 64 MB."""
    rest = iter(messages)
    with pq.ParquetWriter(
        sink,
        SCHEMA,
        compression="zstd",
        use_dictionary=list(DICTIONARY),
        write_page_checksum=True,
    ) as writer:
        group: list[pa.RecordBatch] = []
        rows = size = 0
        while some := list(islice(rest, _AT_ONCE)):
            for batch in to_batches(
                [
                    (
                        each.global_position,
                        each.position,
                        each.time,
                        each.stream_name,
                        each.type,
                        each.data_text,
                        each.metadata_text,
                        each.id,
                        each.category,
                    )
                    for each in some
                ]
            ):
                group.append(batch)
                rows += batch.num_rows
                size += batch.nbytes
            if rows >= _ROWS or size >= _BYTES:
                writer.write_table(pa.Table.from_batches(group))
                group, rows, size = [], 0, 0
        if group:
            writer.write_table(pa.Table.from_batches(group))


def is_parquet(file: BinaryIO) -> bool:
    begin = file.read(4)
    file.seek(0)
    return begin == b"PAR1"


def messages_of(file: BinaryIO, name: str) -> Iterator[tuple[int, Message]]:
    """The messages of a Parquet file, each with the number of its row, from 1.

    Raises:
        InvalidInput: it is damaged, or lacks a column of a message.
    """
    number = 0
    try:
        parquet = pq.ParquetFile(file, page_checksum_verification=True)
        if "category" not in parquet.schema_arrow.names:
            raise InvalidInput(f"{name} has not the columns of messages", hint=_HINT)
        for some in parquet.iter_batches(batch_size=4096, columns=SCHEMA.names):
            for batch in to_batches(some):
                for message in to_messages(batch):
                    number += 1
                    yield number, message
    except (pa.ArrowException, OSError, ValueError) as error:
        if isinstance(error, InvalidInput):
            raise
        line = (str(error).splitlines() or [""])[0]
        raise InvalidInput(
            f"{name} is damaged or no file of messages, after row {number}: {line}", hint=_HINT
        ) from None


_HINT = "Its columns are those of coldstream export: see docs/reference/files.md."
