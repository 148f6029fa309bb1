"""What a database must have before a store goes into it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from psycopg import Connection, OperationalError, errors

from coldstream.errors import ForeignSchema, MissingExtension, UnsupportedServer
from coldstream.migrations.versions import fault_warning, release
from coldstream.sql import Names, query

OLDEST_POSTGRESQL = 14
OLDEST_TIMESCALEDB = (2, 13)

# No schema has this name: the lock is another than that of any store.
_EXTENSION_LOCK = "extension timescaledb"

_HOW_TO_INSTALL = (
    "Install the package timescaledb-2-postgresql-{version} (Debian and Ubuntu; others: "
    "https://docs.timescale.com/self-hosted/latest/install/), add timescaledb to "
    "shared_preload_libraries and restart the server. Without it: --engine postgres, an ordinary "
    "table without tiers. To try without a server: coldstream dev."
)


def check_server(connection: Connection[Any]) -> None:
    """Refuse a server that is too old or has no MD5, or a database whose text is not UTF-8.

    Raises:
        UnsupportedServer
    """
    version = connection.info.server_version // 10000
    if version < OLDEST_POSTGRESQL:
        raise UnsupportedServer(
            f"PostgreSQL {version} is too old: {OLDEST_POSTGRESQL} is the oldest supported",
            hint="Upgrade the server, or install into another one.",
        )
    encoding = connection.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        raise UnsupportedServer(
            f"The database's encoding is {encoding}, not UTF8",
            hint="CREATE DATABASE ... ENCODING 'UTF8' TEMPLATE template0.",
        )
    # Locks, consumer groups and the keys of streams are MD5 sums, as Message DB's are.
    try:
        with connection.transaction():
            connection.execute("SELECT pg_catalog.md5('')")
    except errors.Error as error:
        raise UnsupportedServer(
            "This server has no md5(), which Message DB's locks and consumer groups are made of: "
            f"{error.diag.message_primary}",
            hint="Switch FIPS mode off in the server's OpenSSL, or install into another server.",
        ) from error


def extension_is_missing(connection: Connection[Any], names: Names) -> bool:
    """Whether TimescaleDB is yet to be created in this database; creates nothing.

    Raises:
        MissingExtension: it is not there and the server has no files of it.
    """
    if connection.execute(query("timescaledb_extension", names.schema).encode()).fetchone():
        return False
    _check_available(connection, names)
    return True


def ensure_extension(
    connection: Connection[Any], names: Names, actions: list[str], warnings: list[str]
) -> Names:
    """Find TimescaleDB, or create it where it is available; return the names with its schema.

    A line is added to ``actions`` when it was created, to ``warnings`` when it is a version with
    known faults.

    Raises:
        MissingExtension: it is not there and cannot be created.
        UnsupportedServer: it is too old.
    """
    statement = query("timescaledb_extension", names.schema).encode()
    row = connection.execute(statement).fetchone()
    if row is None:
        _check_available(connection, names)
        if _create_extension(connection, names):
            actions.append("created the extension timescaledb")
        row = connection.execute(statement).fetchone()
        assert row is not None
    schema, version = row
    if release(version) < OLDEST_TIMESCALEDB:
        oldest = ".".join(map(str, OLDEST_TIMESCALEDB))
        raise UnsupportedServer(
            f"TimescaleDB {version} is too old: {oldest} is the oldest supported",
            hint="ALTER EXTENSION timescaledb UPDATE, after installing a newer package.",
        )
    if warning := fault_warning(version):
        warnings.append(warning)
    return replace(names, timescaledb=schema)


def _create_extension(connection: Connection[Any], names: Names) -> bool:
    """Whether it was not there: another may have been first."""
    found = query("timescaledb_extension", names.schema).encode()
    try:
        # One at a time: of two that create it at once one would fail on a key of the catalog.
        with connection.transaction():
            connection.execute(query("lock_install", names.schema).encode(), [_EXTENSION_LOCK])
            if connection.execute(found).fetchone():
                return False
            # Named, because what comes first in the path need not be a schema to create it in.
            connection.execute("CREATE EXTENSION IF NOT EXISTS timescaledb SCHEMA public")
            return True
    except errors.InsufficientPrivilege as error:
        raise MissingExtension(
            "TimescaleDB is not installed in this database, and this role may not install it",
            hint="As a superuser: CREATE EXTENSION timescaledb.",
        ) from error
    except (OperationalError, errors.InternalError_) as error:
        # Where the library is not preloaded; some versions end the connection too.
        if "preload" not in str(error):
            raise
        raise MissingExtension(
            "TimescaleDB is there but not preloaded",
            hint="Add timescaledb to shared_preload_libraries and restart the server.",
        ) from error


def _check_available(connection: Connection[Any], names: Names) -> None:
    if connection.execute(query("timescaledb_available", names.schema).encode()).fetchone():
        return
    version = connection.info.server_version // 10000
    raise MissingExtension(
        "This server has no TimescaleDB", hint=_HOW_TO_INSTALL.format(version=version)
    )


def check_schema(connection: Connection[Any], schema: str) -> bool:
    """Whether the store is yet to be created in the schema.

    Raises:
        ForeignSchema: the schema holds something else.
    """
    row = connection.execute(
        query("schema_contents", schema).encode(), {"schema": schema}
    ).fetchone()
    assert row is not None
    ours, objects, message_db = row
    if ours:
        return False
    if message_db:
        raise ForeignSchema(
            f"Schema {schema} holds a Message DB of its own",
            hint="Install beside it, into another schema (--schema), and copy its messages over.",
        )
    if objects:
        raise ForeignSchema(
            f"Schema {schema} exists and was not made by Coldstream",
            hint="Choose another schema (--schema), or drop this one if nobody needs it.",
        )
    return True
