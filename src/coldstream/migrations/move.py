"""Another engine for a store, in place: copied in steps beside it, and put in its place at the end.

What a step has done is committed, so a run that was killed is gone on with. Writers and readers go
on meanwhile, but for the switch: one transaction, which copies the few messages that came last.
Messages that were copied do not change until then (the trigger ``messages_while_moving``).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from psycopg import Connection, errors, sql

from coldstream.again import Pauses, again
from coldstream.errors import LifecycleBusy, NotInstalled, SetupError
from coldstream.migrations.checks import ensure_extension
from coldstream.migrations.files import engine_text
from coldstream.migrations.install import Settings, applied_every_time, apply_settings_sql
from coldstream.sql import Names, query
from coldstream.sql.objects import Engine, views
from coldstream.sql.queries import statement

STEP = 50_000
"""Messages that a step copies at most, between its first global position and its last."""
WAIT = 15.0
# With no more positions than these left the switch begins, or after so many looks.
_NEAR = 1_000
_LOOKS = 20
# What the switch waits for a writer or a reader at most, and how often it is tried.
_LOCK_TIMEOUT = "2s"
_TRIES = 30
_IN_THE_WAY = (errors.LockNotAvailable, errors.DeadlockDetected, errors.SerializationFailure)

Report = Callable[[int, int], None]
"""Called after a step: the global position up to which all is copied, and the last there is."""


@dataclass(frozen=True)
class MovePlan:
    """What a move would be about.

    ``messages``: counted up to a million. ``bytes``: of the table with its indexes; the copy takes
    as much beside it. ``copied_to``: the global position up to which a move that was broken off has
    copied; 0: none was. ``obstacles``: what has to be taken away first, in words.
    """

    schema: str
    engine: Engine
    to: Engine
    messages: int
    bytes: int
    last_position: int
    copied_to: int
    obstacles: list[str]


@dataclass(frozen=True)
class Moved:
    """What a move did. ``messages``: that it copied, with a run before that was broken off.
    ``switch_seconds``: how long writers and readers waited; ``seconds``: all of this run."""

    schema: str
    engine: Engine
    to: Engine
    messages: int
    seconds: float
    switch_seconds: float
    warnings: list[str] = field(default_factory=list)


def plan_move(connection: Connection[Any], names: Names, to: Engine) -> MovePlan | None:
    """What :func:`move` would do; ``None``: the store has that engine. Changes nothing.

    Raises:
        NotInstalled: no store is there.
    """
    store = _Store(connection, names, to)
    state = store.state()
    if store.engine == to and state is None:
        return None
    count, size, last = store.one("move_size")
    copied_to = state[2] if state else 0
    return MovePlan(
        names.schema, store.source, to, count, size, last, copied_to, _obstacles(store, state)
    )


def move(
    connection: Connection[Any],
    names: Names,
    to: Engine,
    *,
    step: int = STEP,
    wait: float = WAIT,
    report: Report = lambda done, last: None,
) -> Moved | None:
    """Move a store to another engine, or go on with a move that was broken off. ``None``: it has
    that engine.

    ``connection`` is in autocommit mode, its role the owner of the store, or a superuser. ``wait``:
    seconds to wait for another move to end, such as one that was killed and is not known to be.

    Raises:
        SetupError: it cannot be moved as it is, or what was copied is not what is there.
        LifecycleBusy: another move is at work, or others kept the switch from its locks.
        MissingExtension: to TimescaleDB, which the server has not.
    """
    began = time.monotonic()
    store = _Store(connection, names, to)
    with _alone(store, wait):
        state = store.state()
        if state is None and store.engine == to:
            return None
        warnings: list[str] = []
        if not (state and state[5]):
            if obstacles := _obstacles(store, state):
                raise SetupError(
                    f"The store cannot move as it is: {'; '.join(obstacles)}",
                    hint=_hint(obstacles),
                )
            _with_timescale(store, warnings)
            if state is None:
                _patiently(store, lambda: _begin(store))
            _copy(store, step, report)
            _switch(store)
        *_, copied, _, took = store.state()
        _patiently(store, lambda: store.run("move_end"))
    return Moved(
        names.schema, store.source, to, copied, time.monotonic() - began, took or 0.0, warnings
    )


def cancel(connection: Connection[Any], names: Names, *, wait: float = WAIT) -> bool:
    """Give a move up that was broken off; the store stays as it is. Whether there was one.

    Raises:
        SetupError: the store has the new engine already.
        LifecycleBusy: the move is at work.
    """
    store = _Store(connection, names, "timescale")
    with _alone(store, wait):
        state = store.state()
        if state is None:
            return False
        if state[5]:
            raise SetupError(
                "The store has its new engine already",
                hint="End the move by running it once more, then move back.",
            )
        _patiently(store, lambda: store.run("move_cancel"))
    return True


class _Store:
    """A store that moves, and its statements."""

    def __init__(self, connection: Connection[Any], names: Names, to: Engine) -> None:
        self.connection = connection
        self.names = names
        self.to = to
        if not self.one("has_engine")[0]:
            raise NotInstalled(
                f"No store in schema {names.schema}",
                hint="Install one with coldstream init, or name its schema.",
            )
        [self.engine] = self.one("engine")
        # Where the switch is done, the engine is the new one, and what was before is the other.
        self.source: Engine = self.engine
        if self.engine == to:
            self.source = "postgres" if to == "timescale" else "timescale"

    def sql(self, name: str) -> str:
        schema = self.names.schema
        places = {
            "@next@": Names(f"{schema[:55]}_next").render("@extschema@"),
            "@before@": Names(f"{schema[:55]}_before").render("@extschema@"),
            "@engine@": self.to,
        }
        text = self.names.render(statement(name))
        for place, value in places.items():
            text = text.replace(place, value)
        return text

    def run(self, name: str) -> None:
        """Commands, one after another, which take no arguments."""
        self.connection.execute(self.sql(name).encode())

    def one(self, name: str, arguments: Any = None) -> Any:
        rows = self.connection.execute(self.sql(name).encode(), arguments).fetchall()
        return rows[0] if rows else None

    def state(self) -> Any:
        """The row of engine_move."""
        return self.one("move_state")

    def execute(self, name: str, arguments: Any) -> int:
        """How many rows it was about."""
        return self.connection.execute(self.sql(name).encode(), arguments).rowcount

    def digest(self, table: str, bounds: dict[str, int]) -> str:
        text = self.sql("move_digest").replace("@table@", self._table(table))
        row = self.connection.execute(text.encode(), bounds).fetchone()
        assert row is not None
        return str(row[0])

    def _table(self, place: str) -> str:
        schema = self.names.schema
        return Names(f"{schema[:55]}_next" if place == "next" else schema).render(
            "@extschema@.messages"
        )

    @contextmanager
    def transaction(self) -> Iterator[None]:
        # What a role or a database sets must not decide how the copy is made.
        with self.connection.transaction():
            self.connection.execute("SET LOCAL search_path = pg_catalog, pg_temp")
            self.connection.execute("SET LOCAL client_min_messages = warning")
            yield


@contextmanager
def _alone(store: _Store, wait: float) -> Iterator[None]:
    """With the locks of a move; those of the lifecycle too, where chunks must keep their form."""
    deadline = time.monotonic() + wait
    while not store.one("move_lock")[0]:
        if time.monotonic() >= deadline:
            raise LifecycleBusy(
                "Another move of this store is at work",
                hint="Wait for it to end, then run this again.",
            )
        time.sleep(0.2)
    # They belong to the session, which ends with the run.
    store.connection.execute("SET default_transaction_isolation = 'read committed'")
    if store.engine == "timescale":
        store.connection.execute("SET lock_timeout = '60s'")
        store.one("move_lifecycle_lock")
        store.connection.execute("RESET lock_timeout")
    try:
        yield
    finally:
        if not store.connection.closed:
            store.connection.execute("SELECT pg_catalog.pg_advisory_unlock_all()")


def _obstacles(store: _Store, state: Any) -> list[str]:
    """What stands against a move that has not switched yet."""
    if state and state[5]:
        return []
    if state and state[0] != store.to:
        return [f"it is being moved to {state[0]}"]
    known = [each.name for each in views()]
    foreign = store.connection.execute(store.sql("move_foreign").encode(), [known]).fetchall()
    found = [f"messages has {what} of somebody else's" for (what,) in foreign]
    if store.one("move_filled"):
        found.append("a copy or a rebuild brings messages in, and writers are kept out")
    if store.to == "postgres":
        count, first, last = store.one("move_gone")
        if count:
            found.append(
                f"history has left the database for the archive, {count} ranges from "
                f"{first:%Y-%m-%d} to {last:%Y-%m-%d}"
            )
    return found


def _hint(obstacles: list[str]) -> str:
    if any("archive" in each for each in obstacles):
        return "Bring it back first: coldstream rehydrate --from --to; or keep the engine."
    if any("brings messages in" in each for each in obstacles):
        return "Let coldstream copy-from, or archive rebuild, end first."
    if any("being moved" in each for each in obstacles):
        return "Let that move end first, or give it up: coldstream upgrade --cancel."
    return "Drop it, and make it again when the store has moved."


def _with_timescale(store: _Store, warnings: list[str]) -> None:
    if store.to == "timescale":
        store.names = ensure_extension(store.connection, store.names, [], warnings)
        return
    row = store.connection.execute(query("timescaledb_extension", "x").encode()).fetchone()
    if row is not None:
        store.names = replace(store.names, timescaledb=row[0])


def _begin(store: _Store) -> None:
    """The empty table of the new engine, beside the store."""
    store.run("move_begin")
    beside = replace(store.names, schema=f"{store.names.schema[:55]}_next", engine=store.to)
    store.connection.execute(beside.render(engine_text(store.to)).encode())
    if store.to == "timescale":
        store.run("move_chunk_interval")
    store.run("move_began")


def _copy(store: _Store, step: int, report: Report) -> None:
    """All that stands still, a step a transaction, until only a little is left for the switch."""
    for _ in range(_LOOKS):
        [fixed_to] = store.one("move_fix")
        # Those that may still write below it are waited for.
        store.one("frontier")
        while True:
            _, _, copied_to, compared_to, *_ = store.state()
            if compared_to < copied_to:
                # What was copied before a run was killed, too.
                _compare(store, compared_to, copied_to)
                report(copied_to, fixed_to)
            if copied_to >= fixed_to:
                break
            with store.transaction():
                _copy_step(store, copied_to, min(copied_to + step, fixed_to), fixed_to)
        [last] = store.one("last_position")
        if last - fixed_to <= _NEAR:
            return


def _copy_step(store: _Store, first: int, last: int, fixed_to: int) -> None:
    bounds = {"first": first, "last": last}
    count = _copy_range(store, bounds)
    if count == 0:
        # Over a gap, however wide, in one step.
        [next_one] = store.one("move_first_after", {"first": last, "last": fixed_to})
        last = fixed_to if next_one is None else next_one - 1
    store.execute("move_copied", [last, count])


def _copy_range(store: _Store, bounds: dict[str, int]) -> int:
    """How many messages were copied.

    Raises:
        SetupError: two of them have an id, or a position of a stream, that are unique from now on.
    """
    try:
        count = store.execute("move_copy", bounds)
        store.execute("move_ids", bounds)
    except errors.UniqueViolation as error:
        raise SetupError(
            f"Two messages have what may be there once: {error.diag.message_detail}",
            hint="An ordinary table takes an id once for ever. Give the move up, then keep the "
            "engine or delete one of them: coldstream upgrade --cancel.",
        ) from error
    return count


def _compare(store: _Store, first: int, last: int) -> None:
    """Both tables between two positions, by the digests of their rows.

    Raises:
        SetupError: they differ.
    """
    bounds = {"first": first, "last": last}
    there, here = store.digest("store", bounds), store.digest("next", bounds)
    if there != here:
        raise SetupError(
            f"What was copied is not what is there, between global positions {first + 1} and "
            f"{last}: {there} and {here}",
            hint="Nothing was taken away. Begin anew: coldstream upgrade --cancel.",
        )
    store.execute("move_compared", [last])


def _switch(store: _Store) -> None:
    """The new table in the place of the old one."""
    took: list[float] = []

    def once() -> None:
        began = time.monotonic()
        store.run("move_lock_tables")
        _, _, copied_to, *_ = store.state()
        [last] = store.one("last_position")
        if last > copied_to:
            bounds = {"first": copied_to, "last": last}
            store.execute("move_copied", [last, _copy_range(store, bounds)])
            _compare(store, copied_to, last)
        if obstacles := _obstacles(store, store.state()):
            raise SetupError(
                f"The store cannot move as it is: {'; '.join(obstacles)}", hint=_hint(obstacles)
            )
        _swap(store)
        store.run("move_switched")
        took[:] = [time.monotonic() - began]

    _patiently(store, once)
    store.execute("move_took", took)


def _swap(store: _Store) -> None:
    names = replace(store.names, engine=store.to)
    is_here = (store.one("move_place") or [False])[0]
    if store.to == "postgres":
        store.run("delete_jobs")
    store.run("move_swap")
    if store.to == "postgres":
        store.run("move_forget_tiers")
    if is_here:
        store.run("move_here")
    store.connection.execute("SET LOCAL check_function_bodies = off")
    with _as_owner(store):
        for text in applied_every_time(names):
            store.connection.execute(text.encode())
    if store.to == "timescale":
        store.run("guard_timescaledb")
    with _as_owner(store):
        store.connection.execute(apply_settings_sql(names, Settings()).encode())


@contextmanager
def _as_owner(store: _Store) -> Iterator[None]:
    """Functions, views and jobs are the store's owner's, also where a superuser moves it."""
    owner = store.one("move_owner")
    if owner is not None:
        role = sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(owner[0]))
        store.connection.execute(role)
    yield
    if owner is not None:
        store.connection.execute("RESET ROLE")


def _patiently(store: _Store, run: Callable[[], None]) -> None:
    """One transaction, which others are in the way of for a while: they go on between two tries.

    Raises:
        LifecycleBusy: they were at every try.
    """

    def once() -> None:
        with store.transaction():
            store.connection.execute(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT}'".encode())
            run()

    try:
        again(
            once,
            times=_TRIES,
            on=lambda error: isinstance(error, _IN_THE_WAY),
            pauses=Pauses(0.2, 2.0, spread=True),
        )
    except _IN_THE_WAY as error:
        raise LifecycleBusy(
            "Others hold locks on the store, and the move cannot go on",
            hint="End long transactions, then run this again: it goes on where it is.",
        ) from error
