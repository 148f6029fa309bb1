"""Settings of a database, and roles that were lost or come anew."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event, Thread

import psycopg
from psycopg.conninfo import make_conninfo

import coldstream
from coldstream.errors import ColdstreamError
from coldstream.migrations import install
from coldstream.sql import Names
from proof.model.truth import Fault, Made
from proof.operator.world import SCHEMA, Database, World
from proof.operator.writing import _id

SETTINGS = {
    "DateStyle": ["German", "SQL, DMY", "Postgres, MDY"],
    "IntervalStyle": ["sql_standard", "iso_8601", "postgres_verbose"],
    "TimeZone": ["America/St_Johns", "Asia/Kolkata", "Pacific/Apia"],
    "search_path": ["", "pg_temp", "public, message_store"],
    "default_transaction_isolation": ["serializable", "repeatable read"],
    "array_nulls": ["off"],
    "bytea_output": ["escape"],
    "extra_float_digits": ["-15"],
    "standard_conforming_strings": ["off"],
    "enable_seqscan": ["off"],
    "enable_indexscan": ["off"],
    "timescaledb.enable_chunk_append": ["off"],
    "timescaledb.enable_transparent_decompression": ["on"],
}
ROLE = "message_store"


def setting(world: World) -> None:
    """What is right with one setting is right with every other."""
    database = world.any()
    name = world.chance.choice(sorted(SETTINGS))
    value = world.chance.choice(SETTINGS[name])
    world.say(f"{database.name}: ALTER DATABASE SET {name} = {value!r}")
    quoted = ", ".join(f"'{part.strip()}'" for part in value.split(",")) if value else "''"
    if name == "DateStyle":
        quoted = f"'{value}'"
    database.sql(f'ALTER DATABASE "{database.name}" SET {name} = {quoted}')
    database.settings.append(name)
    database.reopen()


def reset(world: World) -> None:
    database = world.any()
    world.say(f"{database.name}: settings back to what they were")
    for name in database.settings:
        database.sql(f'ALTER DATABASE "{database.name}" RESET {name}')
    database.settings.clear()
    database.reopen()


def read_only(world: World) -> None:
    """For a while: reads are whole, writes and verbs say why they are not done."""
    database = world.any()
    if database.trouble:
        return
    world.say(f"{database.name}: read only for a while")
    database.sql(f'ALTER DATABASE "{database.name}" SET default_transaction_read_only = on')
    database.reopen()
    before = database.bucket.listing()
    try:
        from proof.operator.audit import look

        look(world, database, only=3)
        store = database.store
        calls: list[tuple[str, Callable[[], object]]] = [
            ("write", lambda: store.write_message("account-1", "T", {})),
            ("archive", lambda: store.lifecycle.archive(world.today)),
            ("drop", lambda: store.lifecycle.drop(world.today)),
        ]
        for what, call in calls:
            try:
                call()
            except ColdstreamError as error:
                world.say(f"  {what}: {error}")
            else:
                if what == "write":
                    raise Fault(f"{database.name}: {what} in a read-only database")
        if database.bucket.listing() != before:
            raise Fault(f"{database.name}: a read-only database wrote to the archive")
    finally:
        database.sql(f'ALTER DATABASE "{database.name}" RESET default_transaction_read_only')
        database.reopen()


def lose_role(world: World) -> None:
    """The application's role loses all that it may; init gives it back."""
    database = world.any()
    role = world.chance.choice([ROLE, ROLE, "another_role"])
    if database.trouble:
        return
    world.say(f"{database.name}: DROP OWNED BY {ROLE}; init --role {role}")
    try:
        database.sql(f"DROP OWNED BY {ROLE}")
    except psycopg.Error as error:
        world.say(f"  refused: {error}")
    _init(database, role)
    _as_role(world, database, role)


def init_again(world: World) -> None:
    """Again, while it is used."""
    database = world.any()
    if database.trouble:
        return
    world.say(f"{database.name}: init while it is read")
    problems: list[BaseException] = []
    done = Event()

    def reading() -> None:
        from proof.operator.audit import look

        try:
            while not done.is_set():
                look(world, database, only=2)
        except BaseException as error:
            problems.append(error)

    thread = Thread(target=reading)
    thread.start()
    try:
        _init(database, ROLE)
    finally:
        done.set()
        thread.join()
    if problems:
        raise problems[0]


def _init(database: Database, role: str) -> None:
    with psycopg.connect(database.dsn, autocommit=True) as connection:
        connection.execute("SET client_min_messages = error")
        install(connection, Names(SCHEMA, role if role != ROLE else None))


def _as_role(world: World, database: Database, role: str) -> None:
    """The application writes and reads as before."""
    dsn = make_conninfo(database.dsn, user=role)
    history = database.history
    id = _id(world)
    with coldstream.connect(dsn, archive=database.bucket.url) as store:
        try:
            done = store.write_message("account-1", "Role", {"n": 1}, None, id)
        except ColdstreamError as error:
            if database.is_locked:
                return
            raise Fault(f"{database.name}: as {role}: {error}") from error
        history.acknowledge(
            [
                Made(
                    id,
                    "account-1",
                    "Role",
                    done.position,
                    done.global_position,
                    '{"n": 1}',
                    None,
                    None,
                )
            ]
        )
        try:
            found = list(store.get_stream_messages("account-1", done.position))
        except ColdstreamError as error:
            if history.destroyed:
                return
            raise Fault(f"{database.name}: as {role}: {error}") from error
        if [message.id for message in found] != [id]:
            raise Fault(f"{database.name}: as {role}: {found} instead of {id}")
