"""How the checks ask the server: read-only, with short time limits, and each by itself, so that one
that may not look, or has to wait, stops no other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeAlias

from psycopg import Connection

from coldstream.errors import NotInstalled
from coldstream.sql import query
from coldstream.sql.objects import Engine

if TYPE_CHECKING:
    from coldstream.doctor.kind import Found

_QUICK = "10s"
_DEEP = "0"


@dataclass(frozen=True)
class Limits:
    """From when on something is found. Ages are of transactions and of sessions."""

    old_transaction: timedelta = timedelta(minutes=15)
    old_prepared: timedelta = timedelta(minutes=5)
    waiting: timedelta = timedelta(minutes=1)
    idle_holder: timedelta = timedelta(minutes=10)
    clock_skew: timedelta = timedelta(seconds=5)
    late_job: timedelta = timedelta(hours=2)
    orphan_age: timedelta = timedelta(days=1)
    dead_rows: int = 50_000
    kept_wal_bytes: int = 1 << 30
    chunks: int = 2_000


class NotLooked(Exception):
    """A check cannot be made, and why."""


@dataclass
class Asked:
    """A store under examination. ``memory`` (bytes) and ``processors`` are the server machine's,
    ``None`` where it does not tell. ``clock`` gives this machine's time, in UTC."""

    connection: Connection[Any]
    schema: str
    deep: bool = False
    archive: str | None = None
    archive_options: Mapping[str, str] | None = None
    limits: Limits = field(default_factory=Limits)
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    engine: Engine = "timescale"
    role: str = ""
    is_superuser: bool = False
    is_standby: bool = False
    postgresql: int = 0
    timescaledb: str | None = None
    timescaledb_schema: str = "public"
    edition: str | None = None
    memory: int | None = None
    processors: int | None = None

    def rows(
        self, name: str, arguments: Sequence[Any] | Mapping[str, Any] = (), *, deep: bool = False
    ) -> list[tuple[Any, ...]]:
        """The rows of a named statement, in a transaction of its own that changes nothing.

        Raises:
            psycopg.Error: it may not look, or has to wait for too long.
        """
        statement = query(name, self.schema).encode()
        with self.connection.transaction():
            settings = query("doctor_settings_of_check", self.schema).encode()
            self.connection.execute(settings, [_DEEP if deep else _QUICK])
            cursor = self.connection.execute(statement, arguments or None)
            return cursor.fetchall() if cursor.description else []

    def one(self, name: str, arguments: Sequence[Any] = ()) -> tuple[Any, ...]:
        """The only row of a named statement."""
        return self.rows(name, arguments)[0]

    def look_around(self) -> None:
        """What every check needs to know: asked of catalogs that every role may read.

        Raises:
            NotInstalled: no store in the schema.
        """
        (
            is_there,
            is_hypertable,
            self.role,
            self.is_superuser,
            self.is_standby,
            self.postgresql,
            self.timescaledb,
            schema,
            self.edition,
        ) = self.one("doctor_server")
        if not is_there:
            raise NotInstalled(
                f"No store in schema {self.schema}",
                hint="coldstream init installs one; coldstream namespaces lists those there are.",
            )
        self.engine = "timescale" if is_hypertable else "postgres"
        self.timescaledb_schema = schema or "public"


Check: TypeAlias = "Callable[[Asked], Iterator[Found]]"


@dataclass(frozen=True)
class Registered:
    """A check: what it looks at, in words, and which stores it is for."""

    title: str
    run: Check
    engine: Engine | None
    deep: bool


_CHECKS: dict[str, list[Registered]] = {}


def check(
    title: str, *, engine: Engine | None = None, deep: bool = False
) -> Callable[[Check], Check]:
    """Register a check of the module's topic. ``engine``: for stores of this one alone. ``deep``:
    only when asked for, because it reads messages."""

    def register(run: Check) -> Check:
        topic = run.__module__.rpartition(".")[2]
        _CHECKS.setdefault(topic, []).append(Registered(title, run, engine, deep))
        return run

    return register


def checks_of(topic: str) -> Sequence[Registered]:
    """The checks of a topic whose module was imported."""
    return _CHECKS.get(topic, [])
