"""The stores of a database: a namespace is a schema with a store."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from psycopg import Connection

from coldstream.client.errors import mapped
from coldstream.errors import ForeignSchema, NotInstalled
from coldstream.sql import Names, query


@dataclass(frozen=True)
class Namespace:
    """A store. ``messages``: the last global position that was given, so at most that many.
    ``archived``: chunks that are in its archive, and ``archive``: where that is."""

    schema: str
    streams: int
    messages: int
    archived: int
    archive: str | None


def namespaces(connection: Connection[Any]) -> list[Namespace]:
    """Every store of the database, in the order of names. It counts the heads of each."""
    found = []
    for (schema,) in connection.execute(query("namespaces", "pg_catalog").encode()).fetchall():
        if Names.is_one(schema):
            row = connection.execute(query("namespace", schema).encode()).fetchone()
            found.append(Namespace(schema, *(row or (0, 0, 0, None))))
    return found


def namespace_of(connection: Connection[Any], schema: str) -> Namespace:
    """One of them.

    Raises:
        NotInstalled: there is no such schema.
        ForeignSchema: it has no store.
    """
    for each in namespaces(connection):
        if each.schema == Names(schema).schema:
            return each
    exists = connection.execute(b"SELECT to_regnamespace(quote_ident(%s))", [schema]).fetchone()
    if exists is None or exists[0] is None:
        raise NotInstalled(f"There is no namespace {schema}", hint="coldstream namespaces has all.")
    raise ForeignSchema(
        f"The schema {schema} has no Coldstream store", hint="It was left as it is."
    )


def delete_namespace(connection: Connection[Any], schema: str) -> Namespace:
    """Drop the schema of a store with all that it has, and the store's jobs, in one transaction.
    Its roles stay, and so does its archive.

    Raises:
        NotInstalled, ForeignSchema: as of :func:`namespace_of`.
        LifecycleBusy: somebody has it locked.
    """
    found = namespace_of(connection, schema)
    with mapped(schema), connection.transaction():
        for name in ("namespace_settings", "delete_jobs", "drop_archive_server", "drop_namespace"):
            connection.execute(query(name, schema).encode())
    return found
