"""Who may do what: too little, and the application fails; too much, and it can change history."""

from __future__ import annotations

from collections.abc import Iterator

from coldstream.doctor.asked import Asked, check
from coldstream.doctor.kind import Found, Kind
from coldstream.sql.objects import OF_THE_ROLE, functions

PRIVILEGE_MISSING = Kind(
    "privilege-missing",
    "error",
    "the role {role}, which may write, may not {what}",
    "its writes or reads fail",
    "coldstream init --role {role}",
)
PRIVILEGE_TOO_MUCH = Kind(
    "privilege-too-much",
    "warning",
    "the role {role} may {privilege} on {table}",
    "it can change or delete history, or the ledger, past the store's functions",
    "REVOKE {privilege} ON {table} FROM {role}",
)
OWNERS_DIFFER = Kind(
    "owners-differ",
    "warning",
    "{count} objects of the store are owned by others than {owner} ({example})",
    "functions that run with their owner's rights fail, or have more rights than they should",
    "REASSIGN OWNED, or ALTER ... OWNER TO {owner}",
)
SCHEMA_OPEN = Kind(
    "schema-open",
    "error",
    "the role {role} may create objects in the store's schema",
    "it can put tables and functions there that the store is then taken to be",
    "REVOKE CREATE ON SCHEMA {schema} FROM {role}",
)
TIMESCALEDB_OPEN = Kind(
    "timescaledb-functions-open",
    "warning",
    "every role may drop and freeze chunks, through functions of TimescaleDB {version}",
    "they do not ask whose chunk it is",
    "coldstream init as a superuser, or update TimescaleDB to 2.29.1",
)
ARCHIVE_SERVER_BROKEN = Kind(
    "archive-server-broken",
    "error",
    "an archive server is registered, and {missing} is missing",
    "reads of archived history in SQL fail",
    "coldstream serve --register, once more",
)


@check("what the application's roles may do")
def of_roles(asked: Asked) -> Iterator[Found]:
    names = [each.name for each in functions(*OF_THE_ROLE, engine=asked.engine)]
    for role, what in asked.rows("doctor_privileges_missing", [names]):
        yield PRIVILEGE_MISSING(role=role, what=what)


@check("who may change messages and the ledger")
def too_much(asked: Asked) -> Iterator[Found]:
    for role, privilege, table in asked.rows("doctor_privileges_too_many"):
        yield PRIVILEGE_TOO_MUCH(role=role, privilege=privilege, table=table)


@check("who may create in the schema")
def of_schema(asked: Asked) -> Iterator[Found]:
    for role, schema in asked.rows("doctor_schema_open"):
        yield SCHEMA_OPEN(role=role, schema=schema)


@check("owners")
def owners(asked: Asked) -> Iterator[Found]:
    count, owner, example = asked.one("doctor_owners")
    if count:
        yield OWNERS_DIFFER(count=count, owner=owner, example=example)


@check("functions of TimescaleDB that change chunks", engine="timescale")
def of_timescaledb(asked: Asked) -> Iterator[Found]:
    [is_open] = asked.one("doctor_timescaledb_open")
    if is_open:
        yield TIMESCALEDB_OPEN(version=asked.timescaledb)


@check("the archive server")
def archive_server(asked: Asked) -> Iterator[Found]:
    for (missing,) in asked.rows("doctor_archive_server"):
        yield ARCHIVE_SERVER_BROKEN(missing=missing)
