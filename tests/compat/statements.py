"""The few statements that most of these tests begin with."""

from __future__ import annotations

import hashlib
import uuid
from typing import Any

import psycopg
import pytest


def new_id() -> str:
    return str(uuid.uuid4())


def hash_of(text: str) -> int:
    """The first 64 bits of the text's MD5, as a signed integer."""
    digest = hashlib.md5(text.encode(), usedforsecurity=False).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


def rows(db: psycopg.Connection, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
    return db.execute(statement, parameters or None).fetchall()


def column(db: psycopg.Connection, statement: str, *parameters: Any) -> list[Any]:
    return [row[0] for row in rows(db, statement, *parameters)]


def value(db: psycopg.Connection, statement: str, *parameters: Any) -> Any:
    (only,) = column(db, statement, *parameters)
    return only


def write(
    db: psycopg.Connection,
    stream_name: str | None,
    type: str | None = "Happened",
    data: str | None = "{}",
    metadata: str | None = None,
    expected_version: int | None = None,
    *,
    id: str | None = None,
) -> Any:
    return value(
        db,
        "SELECT write_message(%s, %s, %s, %s, %s, %s)",
        id or new_id(),
        stream_name,
        type,
        data,
        metadata,
        expected_version,
    )


def write_many(db: psycopg.Connection, stream_name: str, count: int) -> None:
    db.execute(
        """
        SELECT write_message(gen_random_uuid()::varchar, %s, 'Happened', '{}')
        FROM generate_series(1, %s)
        """,
        (stream_name, count),
    )


def insert_at(db: psycopg.Connection, stream_name: str, position: int, utc: str) -> None:
    """A plain INSERT with a time of our choosing, given in UTC."""
    db.execute("SET TimeZone TO 'UTC'")
    db.execute(
        "INSERT INTO messages (stream_name, position, type, time) VALUES (%s, %s, 'Happened', %s)",
        (stream_name, position, utc),
    )


def refusal(db: psycopg.Connection, statement: str, *parameters: Any) -> psycopg.Error:
    with pytest.raises(psycopg.Error) as caught:
        db.execute(statement, parameters or None)
    return caught.value


def refused(db: psycopg.Connection, statement: str, *parameters: Any) -> tuple[str, str]:
    """SQLSTATE and message of the error that the statement ends with."""
    error = refusal(db, statement, *parameters)
    return f"{error.sqlstate}", f"{error.diag.message_primary}"
