"""Objects that somebody puts in front of PostgreSQL's own: types, operators, functions, views.

Each does what the real one does, and counts whenever it runs as anybody but whoever made it. The
counter is a sequence, so what is rolled back counts too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import psycopg

from coldstream.sql.objects import objects

_TYPES = [
    "text",
    "varchar",
    "name",
    "bpchar",
    "uuid",
    "jsonb",
    "json",
    "int2",
    "int4",
    "int8",
    "numeric",
    "float8",
    "bool",
    "bytea",
    "oid",
    "regclass",
    "regprocedure",
    "regrole",
    "timestamptz",
    "timestamp",
    "date",
    "interval",
    "tstzrange",
    "inet",
    "xid",
    "tid",
]
_VIEWS = [
    "pg_class",
    "pg_namespace",
    "pg_proc",
    "pg_roles",
    "pg_locks",
    "pg_database",
    "pg_inherits",
    "pg_trigger",
    "pg_attribute",
    "pg_stat_activity",
    "pg_settings",
    "pg_index",
    "pg_depend",
    "pg_constraint",
    "pg_extension",
]


def words() -> set[str]:
    """Every name that is called anywhere in the store's SQL."""
    return {word.lower() for each in objects() for word in re.findall(r"(\w+)\s*\(", each.text)} | {
        "now",
        "timezone",
        "date_part",
        "extract",
        "like_escape",
        "textlike",
    }


def put_in_front(connection: psycopg.Connection[Any], schema: str, maker: str) -> None:
    """Make the objects in ``schema``, as the role that the connection has now, ``maker``."""
    run = connection.execute
    run(f"CREATE SEQUENCE {schema}.ran".encode())
    if schema != "pg_temp":
        run(f"GRANT ALL ON SCHEMA {schema} TO PUBLIC".encode())
        run(f"GRANT ALL ON SEQUENCE {schema}.ran TO PUBLIC".encode())
    [(counter,)] = run(
        "SELECT oid::pg_catalog.int8 FROM pg_catalog.pg_class WHERE relname = 'ran' "
        "AND relkind = 'S' ORDER BY oid DESC LIMIT 1"
    ).fetchall()
    run(
        f"""CREATE FUNCTION {schema}.seen() RETURNS pg_catalog.bool LANGUAGE plpgsql AS $$ BEGIN
          IF CURRENT_USER OPERATOR(pg_catalog.<>) '{maker}' THEN
            PERFORM pg_catalog.nextval({counter}::pg_catalog.oid::pg_catalog.regclass);
          END IF;
          RETURN true;
        END $$""".encode()
    )
    for statement in _statements(connection, schema):
        try:
            run(statement.encode())
        except psycopg.Error as error:
            # What PostgreSQL lets nobody make.
            if error.sqlstate not in (
                "42P01",
                "42P13",
                "42P16",
                "42P17",
                "42809",
                "0A000",
                "42883",
                "42723",
                "42710",
            ):
                raise


def _statements(connection: psycopg.Connection[Any], schema: str) -> Iterator[str]:
    operators = connection.execute(
        """
        SELECT o.oprname, l.typname, r.typname, t.typname
        FROM pg_catalog.pg_operator AS o
        LEFT JOIN pg_catalog.pg_type AS l ON l.oid = o.oprleft
        JOIN pg_catalog.pg_type AS r ON r.oid = o.oprright
        JOIN pg_catalog.pg_type AS t ON t.oid = o.oprresult
        WHERE o.oprnamespace = 'pg_catalog'::pg_catalog.regnamespace
          AND (o.oprleft = 0 OR l.typname::text = ANY (%(types)s))
          AND r.typname::text = ANY (%(types)s) AND t.typname::text = ANY (%(types)s)
        """,
        {"types": _TYPES},
    ).fetchall()
    functions = connection.execute(
        """
        SELECT p.proname, p.proargtypes::pg_catalog.regtype[]::text[], t.typname
        FROM pg_catalog.pg_proc AS p JOIN pg_catalog.pg_type AS t ON t.oid = p.prorettype
        WHERE p.pronamespace = 'pg_catalog'::pg_catalog.regnamespace AND p.prokind = 'f'
          AND NOT p.proretset AND p.provariadic = 0 AND p.proname::text = ANY (%(names)s)
          AND NOT EXISTS (
            SELECT FROM pg_catalog.unnest(p.proargtypes) AS a (oid)
            JOIN pg_catalog.pg_type AS y ON y.oid = a.oid WHERE y.typtype = 'p'
          ) AND t.typtype <> 'p'
        """,
        {"names": list(words())},
    ).fetchall()

    # The mixed pairs that are nobody's exact match in pg_catalog, and so are found first.
    for name in ("=", "<>", "<", "<=", ">", ">="):
        for left, right in (("text", "varchar"), ("varchar", "text"), ("varchar", "varchar")):
            operators.append((name, left, right, "bool"))
    for number, (name, left, right, result) in enumerate(operators):
        real = [] if left is None else [f"$1::pg_catalog.{left}"]
        arguments = ", ".join(f"pg_catalog.{each}" for each in (left, right) if each)
        last = len(real) + 1
        text = "text" if "varchar" in (left, right) else None
        body = (
            f"{f'$1::pg_catalog.{text or left} ' if left else ''}OPERATOR(pg_catalog.{name}) "
            f"${last}::pg_catalog.{text or right}"
        )
        yield _function(schema, f"operator_{number}", arguments, result, body)
        sides = f"LEFTARG = pg_catalog.{left}, " if left else ""
        yield (
            f"CREATE OPERATOR {schema}.{name} "
            f"({sides}RIGHTARG = pg_catalog.{right}, FUNCTION = {schema}.operator_{number})"
        )
    for name, types, result in functions:
        values = ", ".join(f"${n}" for n in range(1, len(types) + 1))
        yield _function(
            schema, f'"{name}"', ", ".join(types), result, f'pg_catalog."{name}"({values})'
        )
    for view in _VIEWS:
        yield (
            f"CREATE VIEW {schema}.{view} AS SELECT * FROM pg_catalog.{view} WHERE {schema}.seen()"
        )
        yield f"GRANT SELECT ON {schema}.{view} TO PUBLIC"
    for name in _TYPES:
        yield (f'CREATE DOMAIN {schema}."{name}" AS pg_catalog."{name}" CHECK ({schema}.seen())')
    yield f"CREATE TYPE {schema}.record AS (a pg_catalog.int4)"


def _function(schema: str, name: str, arguments: str, result: str, body: str) -> str:
    return (
        f'CREATE FUNCTION {schema}.{name}({arguments}) RETURNS pg_catalog."{result}" '
        f"LANGUAGE plpgsql AS $$ BEGIN PERFORM {schema}.seen(); RETURN {body}; END $$"
    )


def ran(connection: psycopg.Connection[Any], schema: str) -> int:
    """How often they ran as somebody else."""
    [(count,)] = connection.execute(
        f"SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM {schema}.ran".encode()
    ).fetchall()
    return int(count)


_BY_NAME = {
    "category": "'account'", "source": "'account'", "consumer": "'c'", "owner": "'o'",
    "id": "'a11e9022-e741-4450-bf9c-c4cc5ddb6ea3'", "condition": "NULL", "correlation": "NULL",
    "mode": "'ACCESS SHARE'",
    "order_by": "'position ASC'", "filter": "'true'", "layout": "'bucket'",
    "metadata": "NULL", "type": "'T'", "expected_version": "NULL", "batch_size": "10",
    "consumer_group_member": "NULL", "consumer_group_size": "NULL",
}  # fmt: skip
_BY_TYPE = {
    "uuid": "pg_catalog.gen_random_uuid()", "boolean": "true", "interval": "'1 day'",
    "jsonb": "'{}'", "bigint": "1", "integer": "1", "numeric": "1", "smallint": "1",
    "double precision": "1", "bytea": "'a'", "timestamp with time zone": "'2025-01-02 00:00:00+00'",
    "tstzrange": "'[2025-01-01,2025-02-01)'", "oid": "1", "character varying": "'account-1'",
    "text": "'account-1'",
}  # fmt: skip


def argument(name: str, type_name: str, schema: str, chunk: str) -> str:
    """A plausible value of a parameter, with every name in it qualified."""
    if type_name.endswith("[]"):
        element = argument(name.removesuffix("s"), type_name[:-2], schema, chunk)
        return f"ARRAY[{element}]"
    if type_name.startswith(f"{schema}."):
        return f"NULL::{type_name}"
    if type_name == "regclass":
        return f"'{chunk}'::pg_catalog.regclass"
    value = _BY_NAME.get(name) or _BY_TYPE.get(type_name)
    if value is None:
        return "NULL"
    words = {"timestamp with time zone": "timestamptz", "character varying": "varchar"}
    short = words.get(type_name, type_name)
    if short in ("boolean", "bigint", "integer", "smallint", "double precision", "interval"):
        return f"{value}::{short}"
    return f"{value}::pg_catalog.{short}"
