"""The runner: what an install does, in which order, and what it refuses.

One transaction under a lock: a killed install leaves nothing, two at once run one after the other.
Migrations that ran are not run again, and must be the ones of this release; functions, views,
triggers and privileges are applied every time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from psycopg import Connection, errors, sql

from coldstream._version import __version__
from coldstream.again import Pauses, again
from coldstream.errors import InvalidInput, MigrationError, SetupError
from coldstream.migrations.checks import (
    check_schema,
    check_server,
    ensure_extension,
    extension_is_missing,
)
from coldstream.migrations.files import Migration, engine_text, migrations
from coldstream.sql import Names, query
from coldstream.sql.objects import ENGINES, Engine, objects

# Columns, defaults, views and the types of functions are bound to what their names mean when made:
# to what PostgreSQL means by them, whatever the installer's own path has in front.
_PATH = "SET LOCAL search_path = pg_catalog, pg_temp"
# Roles belong to the cluster and so does no lock: what installs into another database may make the
# same role at this moment. Tried again, it is found.
_RACES = (errors.DuplicateObject, errors.InternalError_)
_TRIES = 5
# The migration that makes messages; what an engine adds to it runs after it.
_FIRST = "0001_store"


@dataclass(frozen=True)
class Settings:
    """Settings of a store; ``None`` keeps what is set, or the default at the first install.

    ``chunk_interval``: what a new chunk covers (7 days). ``layout``: of the columnstore, ``bucket``
    (ours) or ``stream`` (one segment a stream: few, very long streams). ``compress_after``: the age
    at which the policy compresses a chunk (7 days). ``compression``: ``lz4``, which is read faster
    (where the server has it), or ``pglz``, which is smaller. ``engine``: ``timescale`` (at the
    first install), or ``postgres``, an ordinary table, which has none of the other settings.
    """

    chunk_interval: timedelta | None = None
    layout: str | None = None
    compress_after: timedelta | None = None
    compression: str | None = None
    engine: str | None = None

    def __post_init__(self) -> None:
        for name in ("chunk_interval", "compress_after"):
            value = getattr(self, name)
            if value is not None and value <= timedelta(0):
                raise InvalidInput(f"{name} must be positive: {value}")
        if self.layout not in (None, "bucket", "stream"):
            raise InvalidInput(f"layout must be bucket or stream: {self.layout}")
        if self.compression not in (None, "lz4", "pglz"):
            raise InvalidInput(f"compression must be lz4 or pglz: {self.compression}")
        if self.engine not in (None, *ENGINES):
            raise InvalidInput(f"engine must be {' or '.join(ENGINES)}: {self.engine}")
        of_chunks = (self.chunk_interval, self.layout, self.compress_after, self.compression)
        if self.engine == "postgres" and any(value is not None for value in of_chunks):
            raise InvalidInput(
                "An ordinary table has no chunks: chunk interval, layout and compression need the "
                "engine timescale",
                hint="Leave them out; they can be set when the store moves to TimescaleDB.",
            )


@dataclass
class Installed:
    """What an install did: one line each, in order. ``sql`` is the SQL that ran, or would have.

    ``warnings``: what it could not do and somebody else should, a line each.
    """

    schema: str
    actions: list[str] = field(default_factory=list)
    sql: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def changed(self) -> bool:
        return bool(self.actions)


def plan_sql(names: Names, settings: Settings | None = None) -> Iterator[str]:
    """Every statement of a first install, in order, for reading or for running with psql."""
    names = replace(names, engine=_engine(settings) or names.engine)
    yield "BEGIN;\n"
    yield "SET LOCAL client_min_messages = warning;\n"
    if names.engine == "timescale":
        yield "CREATE EXTENSION IF NOT EXISTS timescaledb SCHEMA public;\n"
    yield f"{_PATH};\n"
    yield names.render("CREATE SCHEMA IF NOT EXISTS @extschema@;\n")
    yield query("create_migrations", names.schema)
    yield "SET LOCAL check_function_bodies = off;\n"
    for migration in migrations():
        yield f"-- migration {migration.name}\n{names.render(migration.text)}"
        if migration.name == _FIRST:
            yield from _made_for_engine(names)
        yield _record(names, migration)
    yield from applied_every_time(names)
    if names.engine == "timescale":
        yield query("guard_timescaledb", names.schema)
    yield apply_settings_sql(names, settings or Settings())
    yield "COMMIT;\n"


def install(
    connection: Connection[Any],
    names: Names,
    settings: Settings | None = None,
    *,
    dry_run: bool = False,
) -> Installed:
    """Install a store into a schema, or bring it up to this release.

    ``connection`` is in autocommit mode and may create what it must. Idempotent.

    Raises:
        MissingExtension, UnsupportedServer, ForeignSchema, MigrationError, SetupError
    """
    result = Installed(names.schema)
    # What the installer asks the catalog follows no path either; the caller's is given back.
    [path] = connection.execute("SHOW search_path").fetchone() or ("",)
    connection.execute(_PATH.replace("LOCAL ", ""))
    try:
        return _run(connection, names, settings, result, dry_run=dry_run)
    finally:
        if not connection.closed:
            connection.execute("SELECT pg_catalog.set_config('search_path', %s, false)", [path])


def _run(
    connection: Connection[Any],
    names: Names,
    settings: Settings | None,
    result: Installed,
    *,
    dry_run: bool,
) -> Installed:
    check_server(connection)
    names = replace(names, engine=_engine_of(connection, names, settings))
    is_timescale = names.engine == "timescale"
    if is_timescale and dry_run and extension_is_missing(connection, names):
        # Without the extension nothing of it can be tried: the plan of a first install is shown.
        check_schema(connection, names.schema)
        result.actions += [
            "created the extension timescaledb",
            f"created the store in schema {names.schema}",
        ]
        result.sql = list(plan_sql(names, settings))
        return result
    if is_timescale:
        names = ensure_extension(connection, names, result.actions, result.warnings)
    before, warned = list(result.actions), list(result.warnings)
    try:

        def once() -> None:
            result.actions[:], result.sql[:], result.warnings[:] = before, [], warned
            with connection.transaction(force_rollback=dry_run):
                _install(connection, names, settings or Settings(), result, dry_run=dry_run)

        again(once, times=_TRIES, on=_is_race, pauses=Pauses(0, 0))
    except errors.InsufficientPrivilege as error:
        raise SetupError(
            f"Not allowed: {error.diag.message_primary}",
            hint=error.diag.message_hint
            or "Install as the owner of the database, or as a role that may create roles.",
        ) from error
    except errors.InvalidParameterValue as error:
        raise InvalidInput(
            error.diag.message_primary or str(error), hint=error.diag.message_hint
        ) from error
    return result


def _is_race(error: Exception) -> bool:
    """Whether another install was in this one's way."""
    if isinstance(error, errors.UniqueViolation):
        return True
    texts = ("concurrently updated", "already exists")
    return isinstance(error, _RACES) and any(text in str(error) for text in texts)


def _install(
    connection: Connection[Any],
    names: Names,
    settings: Settings,
    result: Installed,
    *,
    dry_run: bool,
) -> None:
    def run(statement: str) -> None:
        result.sql.append(statement)
        connection.execute(statement.encode())

    connection.execute(query("lock_install", names.schema).encode(), [names.schema])
    connection.execute(_PATH)
    connection.execute("SET LOCAL client_min_messages = warning")
    connection.execute("SET LOCAL check_function_bodies = off")
    if check_schema(connection, names.schema):
        run(names.render("CREATE SCHEMA IF NOT EXISTS @extschema@;\n"))
        run(query("create_migrations", names.schema))
        result.actions.append(f"created the store in schema {names.schema}")
    elif not connection.execute(query("applied_migrations", names.schema).encode()).fetchone():
        raise SetupError(
            f"Schema {names.schema} was restored without its rows",
            hint="Drop it, and restore the whole of a dump, or install a new store.",
        )

    # Under the lock: meanwhile another may have made the store, or moved it.
    if _engine_of(connection, names, settings) != names.engine:
        raise SetupError(
            f"The engine of the store in schema {names.schema} has just changed",
            hint="Run this again.",
        )
    for migration in _pending(connection, names):
        run(names.render(migration.text))
        if migration.name == _FIRST:
            for statement in _made_for_engine(names):
                run(statement)
        run(_record(names, migration))
        result.actions.append(f"ran migration {migration.name}")

    asked = {"schema": names.schema}
    row = connection.execute(query("check_store", names.schema).encode(), asked).fetchone()
    if row and row[3] not in (None, names.schema):
        # Until they are made anew none of its functions can be called.
        result.actions.append(f"bound the functions to the schema's name, which was {row[3]}")
    elif _one(connection, "knows_its_functions", names) and (
        replaced := _one(connection, "replaced_functions", names)
    ):
        result.actions.append(f"brought back functions that somebody replaced: {replaced}")
    before = _definitions(connection, names.schema)
    for statement in applied_every_time(names):
        run(statement)
    if row and row[3] not in (None, names.schema):
        connection.execute(query("rename_chunks", names.schema).encode(), [row[3]])
    if _definitions(connection, names.schema) != before:
        result.actions.append("applied functions, views, triggers and privileges")

    if names.engine == "timescale":
        statement = query("guard_timescaledb", names.schema)
        result.sql.append(statement)
        for done, warning in connection.execute(statement.encode()):
            result.actions += [done] if done else []
            result.warnings += [warning] if warning else []

    statement = apply_settings_sql(names, settings)
    result.sql.append(statement)
    result.actions.extend(line for (line,) in connection.execute(statement.encode()))


def applied_every_time(names: Names) -> Iterator[str]:
    """The functions, views, triggers and privileges of the store's engine."""
    for each in objects(names.engine):
        yield names.render(each.text)


def _made_for_engine(names: Names) -> Iterator[str]:
    yield names.render(engine_text(names.engine))
    yield query("set_engine", names.schema).replace("@engine@", names.engine)


def _engine(settings: Settings | None) -> Engine | None:
    for engine in ENGINES:
        if settings is not None and settings.engine == engine:
            return engine
    return None


def _engine_of(connection: Connection[Any], names: Names, settings: Settings | None) -> Engine:
    """The engine of the store that is there, or else the one that is asked for.

    Raises:
        SetupError: the store has another one than is asked for.
    """
    asked = _engine(settings)
    row = connection.execute(query("has_engine", names.schema).encode()).fetchone()
    if not (row and row[0]):
        return asked or names.engine
    row = connection.execute(query("engine", names.schema).encode()).fetchone()
    found: Engine = row[0] if row else "timescale"
    if asked not in (None, found):
        raise SetupError(
            f"The store in schema {names.schema} has the engine {found}, not {asked}",
            hint=f"Move it in place: coldstream upgrade --to {asked}.",
        )
    return found


def _pending(connection: Connection[Any], names: Names) -> list[Migration]:
    """The migrations that have not run.

    Raises:
        MigrationError: one that ran is not the one of this release, or is not in this release.
    """
    rows = connection.execute(query("applied_migrations", names.schema).encode()).fetchall()
    applied: dict[str, str] = dict(rows)
    known = {migration.name: migration for migration in migrations()}
    for name, checksum in applied.items():
        if name not in known:
            raise MigrationError(
                f"Schema {names.schema} was upgraded by a newer release: {name} is not known here",
                hint="Upgrade this installation of Coldstream.",
            )
        if known[name].checksum != checksum:
            raise MigrationError(
                f"Migration {name} ran with another text than this release has",
                hint="Install the release that made the store, or ask its maintainers.",
            )
    return [migration for name, migration in known.items() if name not in applied]


def _one(connection: Connection[Any], name: str, names: Names) -> Any:
    row = connection.execute(query(name, names.schema).encode()).fetchone()
    return row[0] if row else None


def _definitions(connection: Connection[Any], schema: str) -> list[Any]:
    return connection.execute(query("definitions", schema).encode(), [schema]).fetchall()


def _record(names: Names, migration: Migration) -> str:
    values = sql.SQL(", ").join([migration.name, migration.checksum, __version__]).as_string(None)
    return query("record_migration", names.schema).replace("@values@", values)


def apply_settings_sql(names: Names, settings: Settings) -> str:
    values = (
        sql.SQL(", ")
        .join(
            [
                settings.chunk_interval,
                settings.layout,
                settings.compress_after,
                settings.compression,
            ]
        )
        .as_string(None)
    )
    return query("apply_settings", names.schema).replace("@values@", values)
