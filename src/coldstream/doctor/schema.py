"""The store's tables, indexes, triggers and functions against this release's."""

from __future__ import annotations

import re
from collections.abc import Iterator

from coldstream.doctor.asked import Asked, check
from coldstream.doctor.kind import Found, Kind
from coldstream.migrations.files import engine_text, migrations
from coldstream.sql import Names
from coldstream.sql.objects import functions

INDEX_MISSING = Kind(
    "index-missing",
    "error",
    "the index {index} is missing",
    "a read or a write looks at every row instead, or what must be unique is not",
    "{command}",
    "{command}",
)
INDEX_INVALID = Kind(
    "index-invalid",
    "error",
    "the index {index} is not valid",
    "no read uses it, and every write pays for it: one was made or rebuilt, and broken off",
    "REINDEX INDEX CONCURRENTLY {index}",
    "REINDEX INDEX CONCURRENTLY {index}",
)
INDEX_ADDED = Kind(
    "index-added",
    "warning",
    "the index {index} is not the store's",
    "every write pays for it; one on streams or consumers makes every update write a new index "
    "entry",
    "DROP INDEX {index}, unless you need it",
)
COLUMN_ADDED = Kind(
    "column-added",
    "error",
    "the table messages has a column that is not the store's: {column} {type}",
    "it is not archived, so the lifecycle refuses to archive and to drop",
    "ALTER TABLE {table} DROP COLUMN {column}, once its values are somewhere else",
)
COLUMN_MISSING = Kind(
    "column-missing",
    "error",
    "the table messages has no column {column} of type {type}",
    "reads, writes and the archive need it",
    "restore the store from a backup",
)
TRIGGER_ADDED = Kind(
    "trigger-added",
    "warning",
    "the trigger {trigger} on {table} is not the store's",
    "it runs at every write, may change or refuse it, and does not run for what is rehydrated",
    "DROP TRIGGER {trigger} ON {table}, unless you need it",
)
TRIGGER_MISSING = Kind(
    "trigger-missing",
    "error",
    "the trigger {trigger} on {table} is missing",
    "what is written past the functions gets no head, no id that is unique and no place in the "
    "ledger",
    "coldstream init",
)
TRIGGER_OFF = Kind(
    "trigger-off",
    "error",
    "the trigger {trigger} on {table} is switched off",
    "what is written past the functions gets no head, no id that is unique and no place in the "
    "ledger",
    "ALTER TABLE {table} ENABLE TRIGGER {trigger}",
    "ALTER TABLE {table} ENABLE TRIGGER {trigger}",
)
FUNCTIONS_REPLACED = Kind(
    "functions-replaced",
    "error",
    "functions of the store are not the ones that were installed: {functions}",
    "others write without heads and read without the archive: the scripts of Message DB do that",
    "coldstream init",
)
FUNCTIONS_OTHER = Kind(
    "functions-of-another-release",
    "warning",
    "{count} functions are not those of this release ({example})",
    "the program and the store are of two releases: what one of them does is not what the other "
    "expects",
    "coldstream init, with the newest release in use",
)
MIGRATION_MISSING = Kind(
    "migration-missing",
    "error",
    "the migration {name} has not run here",
    "this release needs what it makes",
    "coldstream init",
)
MIGRATION_UNKNOWN = Kind(
    "migration-unknown",
    "error",
    "the migration {name} is not one of this release",
    "a newer release made the store, and this program does not know it",
    "install the release of Coldstream that made it",
)
PUBLICATION = Kind(
    "publication",
    "warning",
    "the publication {publication} has {table}",
    "messages are in chunks, which are tables of their own: chunks that are made later are not "
    "in it, "
    "and a subscriber misses their messages silently",
    "read with a consumer instead; ALTER PUBLICATION {publication} DROP TABLE {table}",
)
RULE_ADDED = Kind(
    "rule-added",
    "error",
    "the rule {rule} on {table} is not the store's",
    "it may turn a write into something else, or into nothing",
    "DROP RULE {rule} ON {table}",
)
ROW_SECURITY = Kind(
    "row-security-on",
    "error",
    "row security is on for {table}",
    "a role that it filters reads less than there is, and does not notice",
    "ALTER TABLE {table} DISABLE ROW LEVEL SECURITY",
)
UNLOGGED = Kind(
    "table-unlogged",
    "error",
    "the table {table} is unlogged",
    "after a crash it is empty",
    "ALTER TABLE {table} SET LOGGED",
)

COLUMNS = {
    "global_position": "bigint",
    "position": "bigint",
    "time": "timestamp with time zone",
    "stream_name": "text",
    "type": "text",
    "data": "json",
    "metadata": "json",
    "id": "uuid",
    "stream_category": "text",
    "correlation_category": "text",
    "position_bucket": "bigint",
}
TRIGGERS = {
    "messages_before_insert": "messages",
    "messages_before_update": "messages",
    "messages_after_delete": "messages",
    "messages_after_truncate": "messages",
    "chunks_after_state": "chunks",
}
# Made by what is under way: a notification, a rebuild, a copy, a move.
_SOMETIMES = frozenset(
    (
        "streams_after_write",
        "streams_while_restoring",
        "streams_while_copying",
        "messages_while_moving",
    )
)
_INDEX = re.compile(r"^CREATE (?:UNIQUE )?INDEX (\w+) ON @extschema@\.(\w+)[^;]*;", re.MULTILINE)
_BODY = re.compile(r"\bAS \$\$(.*)\$\$", re.DOTALL)


def indexes(asked: Asked) -> dict[str, tuple[str, str]]:
    """The indexes that a store of this engine has, by name: their table, and what makes them."""
    text = "\n".join([*(each.text for each in migrations()), engine_text(asked.engine)])
    names = Names(asked.schema)
    return {
        found[1]: (found[2], " ".join(names.render(found[0]).rstrip(";").split()))
        for found in _INDEX.finditer(text)
    }


@check("indexes")
def of_indexes(asked: Asked) -> Iterator[Found]:
    expected = indexes(asked)
    there = set()
    for index, name, table, is_valid, is_constraint in asked.rows("doctor_indexes"):
        there.add(name)
        if not is_valid:
            yield INDEX_INVALID(index=index)
        elif (
            name not in expected
            and not is_constraint
            and table in ("messages", "streams", "recent_ids", "consumers", "chunks")
        ):
            yield INDEX_ADDED(index=index)
    for name, (_, command) in expected.items():
        if name not in there:
            yield INDEX_MISSING(index=name, command=command)


@check("columns of messages")
def of_columns(asked: Asked) -> Iterator[Found]:
    table = Names(asked.schema).render("@extschema@.messages")
    there = {}
    for column, quoted, type_ in asked.rows("doctor_columns"):
        there[column] = type_
        if column not in COLUMNS:
            yield COLUMN_ADDED(column=quoted, type=type_, table=table)
    for column, type_ in COLUMNS.items():
        if there.get(column) != type_:
            yield COLUMN_MISSING(column=column, type=type_)


@check("triggers")
def of_triggers(asked: Asked) -> Iterator[Found]:
    there = set()
    for table, name, trigger, is_on in asked.rows("doctor_triggers"):
        there.add(name)
        if name in TRIGGERS:
            if not is_on:
                yield TRIGGER_OFF(trigger=trigger, table=table)
        elif name not in _SOMETIMES:
            yield TRIGGER_ADDED(trigger=trigger, table=table)
    for name, of_table in TRIGGERS.items():
        if name not in there and (asked.engine == "timescale" or of_table == "messages"):
            yield TRIGGER_MISSING(trigger=name, table=of_table)


@check("rules, row security and unlogged tables")
def of_tables(asked: Asked) -> Iterator[Found]:
    for what, table, name in asked.rows("doctor_odd_tables"):
        if what == "rule":
            if name != "recent_ids_unused" or asked.engine == "timescale":
                yield RULE_ADDED(rule=name, table=table)
        elif what == "row security":
            yield ROW_SECURITY(table=table)
        else:
            yield UNLOGGED(table=table)


@check("functions that somebody replaced")
def replaced(asked: Asked) -> Iterator[Found]:
    [names] = asked.one("doctor_replaced_functions")
    if names is not None:
        yield FUNCTIONS_REPLACED(functions=names)


@check("functions against this release's")
def of_release(asked: Asked) -> Iterator[Found]:
    there: dict[str, set[str]] = {}
    for name, body in asked.rows("doctor_function_bodies"):
        there.setdefault(name, set()).add(body)
    names = Names(asked.schema, timescaledb=asked.timescaledb_schema, engine=asked.engine)
    differ = []
    for each in functions(engine=asked.engine):
        # The name of a store's role is in no catalog.
        if "@role" in each.text or "@inserter" in each.text:
            continue
        body = _BODY.search(names.render(each.text))
        if body is not None and body[1] not in there.get(each.name, ()):
            differ.append(each.name)
    if differ:
        yield FUNCTIONS_OTHER(count=len(differ), example=", ".join(differ[:3]))


@check("migrations")
def of_migrations(asked: Asked) -> Iterator[Found]:
    there = {row[0] for row in asked.rows("applied_migrations")}
    ours = {each.name for each in migrations()}
    for name in sorted(ours - there):
        yield MIGRATION_MISSING(name=name)
    for name in sorted(there - ours):
        yield MIGRATION_UNKNOWN(name=name)


@check("publications", engine="timescale")
def publications(asked: Asked) -> Iterator[Found]:
    for publication, table in asked.rows("doctor_publications"):
        yield PUBLICATION(publication=publication, table=table)
