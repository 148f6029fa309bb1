"""What every connection of ours sets, and what it leaves to the DSN.

What a statement means, and what comes back, may not depend on the settings of a database, a role or
a DSN: our connections are started with those that reading depends on. Where the session is ours
alone they also look for names in ``pg_catalog`` only, so that no operator or type that somebody put
into a schema of the search path runs with the rights of whoever is connected.

A pooler in transaction mode gives a session to others after every transaction, and nothing of ours
may stay on it. pgbouncer refuses our startup options, or drops them; then there is only what it
keeps for each of its clients: the settings that the server reports.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg import AsyncConnection, Connection
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import TupleRow

from coldstream.client.adapters import OWN
from coldstream.client.errors import cannot_connect
from coldstream.sql import query

# Of these the server reports the value, and a pooler keeps it apart for each of its clients.
_REPORTED = {
    "DateStyle": "ISO, MDY",
    "IntervalStyle": "postgres",
    "standard_conforming_strings": "on",
}
_OPTIONS = _REPORTED | {
    "extra_float_digits": "1",
    "bytea_output": "hex",
    "array_nulls": "on",
    # Tells a session that took these options from one of a pooler that dropped them.
    "coldstream.session": "on",
}
_OURS = " ".join(f"-c {name}={value.replace(' ', '')}" for name, value in _OPTIONS.items())


def parameters(
    dsn: str,
    *,
    name: str = "coldstream",
    timeout: float | None = None,
    options: bool = True,
    more: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """What to connect with beside the DSN. What it, or the environment, says of the application's
    name, of time-outs and of settings that we do not need stays. ``options`` are not for a pooler;
    ``more`` of them are for a connection that is not shared.

    Raises:
        psycopg.ProgrammingError: not a DSN.
    """
    given = conninfo_to_dict(dsn)
    result: dict[str, Any] = {"client_encoding": "utf8"}
    if "fallback_application_name" not in given:
        result["fallback_application_name"] = name
    if (
        timeout is not None
        and "connect_timeout" not in given
        and not os.environ.get("PGCONNECT_TIMEOUT")
    ):
        result["connect_timeout"] = max(2, round(timeout))
    if options:
        theirs = given.get("options") or os.environ.get("PGOPTIONS")
        ours = [_OURS, *(f"-c {setting}={value}" for setting, value in (more or {}).items())]
        # Of two values of a setting the last one holds.
        result["options"] = " ".join([str(theirs), *ours] if theirs else ours)
    return result


def private_dsn(dsn: str, *, timeout: float = 10.0) -> str:
    """A DSN for a connection of another driver, straight to the server, for one purpose of ours."""
    more = {"search_path": "pg_catalog,pg_temp", "TimeZone": "UTC"}
    return make_conninfo(dsn, **parameters(dsn, timeout=timeout, more=more))


def in_public(dsn: str) -> str:
    """A DSN for another library, whose tables are in the schema ``public`` whatever the path of the
    database, the role or the DSN says."""
    return make_conninfo(dsn, **parameters(dsn, more={"search_path": "public"}))


def refuses_options(error: Exception) -> bool:
    """Whether it is a pooler that takes no startup options; without them it may connect."""
    text = str(error)
    return "startup parameter" in text or "command-line options" in text


def connect(
    dsn: str, schema: str, *, name: str = "coldstream", timeout: float | None = None
) -> Connection[TupleRow]:
    """A connection of its own in autocommit mode, set as ours are.

    Raises:
        Unavailable: no connection.
        InvalidInput: not a DSN.
    """
    try:
        try:
            given = parameters(dsn, name=name, timeout=timeout)
            connection = Connection.connect(dsn, autocommit=True, context=OWN, **given)
        except psycopg.OperationalError as error:
            if not refuses_options(error):
                raise
            given = parameters(dsn, name=name, timeout=timeout, options=False)
            connection = Connection.connect(dsn, autocommit=True, context=OWN, **given)
        settle(connection, schema)
    except psycopg.Error as error:
        raise cannot_connect(error) from None
    return connection


async def connect_async(
    dsn: str, schema: str, *, name: str = "coldstream", timeout: float | None = None
) -> AsyncConnection[TupleRow]:
    """The same."""
    try:
        try:
            given = parameters(dsn, name=name, timeout=timeout)
            connection = await AsyncConnection.connect(dsn, autocommit=True, context=OWN, **given)
        except psycopg.OperationalError as error:
            if not refuses_options(error):
                raise
            given = parameters(dsn, name=name, timeout=timeout, options=False)
            connection = await AsyncConnection.connect(dsn, autocommit=True, context=OWN, **given)
        await settle_async(connection, schema)
    except psycopg.Error as error:
        raise cannot_connect(error) from None
    return connection


def settle(connection: Connection[TupleRow], schema: str) -> None:
    """Set what is not in the startup options: the whole of it where those were not taken."""
    if not connection.execute(query("own_session", schema).encode()).fetchall():
        for statement in _missing(connection):
            connection.execute(statement.encode())


async def settle_async(connection: AsyncConnection[TupleRow], schema: str) -> None:
    """The same."""
    cursor = await connection.execute(query("own_session", schema).encode())
    if not await cursor.fetchall():
        for statement in _missing(connection):
            await connection.execute(statement.encode())


def _missing(connection: Connection[TupleRow] | AsyncConnection[TupleRow]) -> list[str]:
    status = connection.info.parameter_status
    return [
        f"SET {name} = {value}"
        for name, value in _REPORTED.items()
        if (status(name) or value) != value
    ]


def in_words(dsn: str) -> str:
    """Which database it is, for people: ``db.example/app``. Nothing that is secret."""
    try:
        given = conninfo_to_dict(dsn)
    except psycopg.ProgrammingError:
        return "a database"
    place = given.get("host") or given.get("service") or "localhost"
    return f"{place}/{given.get('dbname') or given.get('user') or ''}".rstrip("/")
