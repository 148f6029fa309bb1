"""SQL of people and tools over the archive: DuckDB's, on files that manifests name.

A connection has a DuckDB of its own, opened when it first asks, with what the archive had then. It
reads the archive and nothing else; see :mod:`coldstream.archive.engines.query`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from coldstream.archive.engines.query import check, errors, opened
from coldstream.archive.storage.location import ArchiveLocation
from coldstream.errors import InvalidInput
from coldstream.serve.values import column_of, text_of
from coldstream.serve.wire import Column, data_row

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_ROWS = 1_000
# What clients say at the start of a session, and has no meaning here.
_SAID = re.compile(
    r"(SET|RESET|BEGIN|START\s+TRANSACTION|COMMIT|END|ROLLBACK|DISCARD|DEALLOCATE|CLOSE|UNLISTEN)\b",
    re.IGNORECASE,
)


_NOT_CODE = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|--[^\n]*|/\*.*?\*/", re.DOTALL)


class Answer:
    """The result of a statement: its columns, and its rows as messages of the protocol."""

    def __init__(
        self,
        tag: str,
        columns: Sequence[Column] = (),
        rows: Iterator[list[bytes]] | None = None,
    ) -> None:
        self.tag = tag
        self.columns = columns
        self.rows: Iterator[list[bytes]] = iter(()) if rows is None else rows
        self.count = 0
        self.waiting: list[bytes] = []

    def take(self) -> list[bytes]:
        """The next rows, some thousand at most; empty at the end."""
        some = next(self.rows, [])
        self.count += len(some)
        return some

    @property
    def complete(self) -> str:
        return f"SELECT {self.count}" if self.tag == "SELECT" else self.tag


class Analysis:
    """One connection's SQL. Not safe to share between threads, but for :meth:`interrupt`."""

    def __init__(
        self, location: Callable[[], ArchiveLocation], schema: str, memory_limit: str | None
    ) -> None:
        self._location = location
        self._schema = schema
        self._memory_limit = memory_limit
        self._open: DuckDBPyConnection | None = None
        self._stack = ExitStack()

    def statements(self, text: str) -> list[str]:
        """The statements of a text, one by one.

        Raises:
            InvalidInput: it cannot be parsed, or calls what is refused.
        """
        check(text)
        # What the parser of DuckDB does not know stands alone, as clients send it.
        if _SAID.match(text.strip()) and ";" not in text.strip().rstrip(";"):
            return [text.strip().rstrip(";")]
        with errors():
            found = self._connection().extract_statements(text)
        # The parser writes a statement anew, and calls its columns by that.
        return [text.strip()] if len(found) == 1 else [each.query.strip() for each in found]

    def run(self, statement: str, parameters: Sequence[Any] = ()) -> Answer:
        """Begin a statement. ``parameters`` are for $1, $2, ...

        Raises:
            InvalidInput, ArchiveError: it cannot be run.
        """
        if said := _SAID.match(statement):
            return Answer(" ".join(said[1].upper().split()))
        connection = self._connection()
        with errors():
            connection.execute(statement, list(parameters) if parameters else None)
            if (done := _done_by(connection, statement)) is not None:
                return Answer(done)
            return Answer("SELECT", _columns(connection), _rows(connection))

    def describe(self, statement: str, parameters: int) -> Sequence[Column]:
        """The columns that a statement will have, without running it."""
        connection = self._connection()
        with errors():
            if _SAID.match(statement) or _done_by(connection, statement) is not None:
                return ()
            with connection.cursor() as cursor:
                nothing = [None] * parameters or None
                if not _is_query(statement):
                    # EXPLAIN, SHOW and the like, of which there is no description.
                    return _columns(cursor.execute(statement, nothing))
                described = cursor.execute(f"DESCRIBE {statement}", nothing).fetchall()
        return [column_of(name, type) for name, type, *_ in described]

    def interrupt(self) -> None:
        if self._open is not None:
            self._open.interrupt()

    def close(self) -> None:
        self._open = None
        self._stack.close()

    def _connection(self) -> DuckDBPyConnection:
        if self._open is None:
            self._open = self._stack.enter_context(
                opened(self._location(), self._schema, memory_limit=self._memory_limit)
            )
        return self._open


def parameters_of(statement: str) -> int:
    """How many parameters a statement has: the highest of $1, $2, ... outside of quotes."""
    text = _NOT_CODE.sub(" ", statement)
    numbers = [int(number) for number in re.findall(r"\$(\d{1,5})", text)]
    if max(numbers, default=0) > 1000:
        raise InvalidInput("A statement has 1,000 parameters at most")
    return max(numbers, default=0)


def _done_by(connection: DuckDBPyConnection, statement: str) -> str | None:
    """What is said of a statement that gives no rows when it is done; ``None`` of one that does."""
    from duckdb import ExpectedResultType

    [parsed] = connection.extract_statements(statement)
    if parsed.expected_result_type == [ExpectedResultType.QUERY_RESULT]:
        return None
    return str(parsed.type.name)


def _is_query(statement: str) -> bool:
    return re.match(r"(SELECT|WITH|FROM|VALUES|\()", statement, re.IGNORECASE) is not None


def _columns(connection: DuckDBPyConnection) -> list[Column]:
    return [column_of(name, str(type)) for name, type, *_ in connection.description or []]


def _rows(connection: DuckDBPyConnection) -> Iterator[list[bytes]]:
    with errors():
        batches = connection.to_arrow_reader(_ROWS)
    while True:
        with errors():
            batch = next(batches, None)
        if batch is None:
            return
        columns = [column.to_pylist() for column in batch.columns]
        if columns and batch.num_rows:
            yield [data_row(map(text_of, row)) for row in zip(*columns, strict=True)]
