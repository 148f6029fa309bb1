"""The server's releases and its edition."""

from __future__ import annotations

from collections.abc import Iterator

from coldstream.doctor.asked import Asked, check
from coldstream.doctor.kind import Found, Kind
from coldstream.migrations.checks import OLDEST_TIMESCALEDB
from coldstream.migrations.versions import FAULTS, release

TIMESCALEDB_OLD = Kind(
    "timescaledb-old",
    "error",
    "TimescaleDB {version} is older than {oldest}, the oldest supported",
    "what the store needs is missing there, or is otherwise",
    "install a newer package, then in a new session: ALTER EXTENSION timescaledb UPDATE",
)
TIMESCALEDB_FAULT = Kind(
    "timescaledb-fault",
    "warning",
    "TimescaleDB {version} has a known fault: {fault}",
    "the release notes say so",
    "install {mended} or newer, then in a new session: ALTER EXTENSION timescaledb UPDATE",
)
TIMESCALEDB_NOT_UPDATED = Kind(
    "timescaledb-not-updated",
    "warning",
    "the extension is TimescaleDB {version}, and the server has the files of {newest}",
    "a package that was installed changes nothing before the extension is updated in each database",
    "in a new session, as the first statement: ALTER EXTENSION timescaledb UPDATE",
)
POSTGRESQL_FAULT = Kind(
    "postgresql-fault",
    "warning",
    "PostgreSQL {version} has a known fault: {fault}",
    "the release notes say so",
    "install the newest minor release of PostgreSQL {major}, and restart the server",
)
EDITION_APACHE = Kind(
    "edition-apache",
    "warning",
    "this is TimescaleDB's Apache edition, which has no columnstore",
    "history stays in rows until it is archived, and takes several times the space",
    "install the community edition, set timescaledb.license = 'timescale', then: coldstream init",
)
STANDBY = Kind(
    "standby",
    "advice",
    "the server is a standby: what only the primary knows was not looked at",
    "jobs, locks and prepared transactions are those of the primary",
    "coldstream doctor --dsn with the primary's address",
)

# Releases from the first up to and without the second, by PostgreSQL's own release notes: only what
# may touch a store.
POSTGRESQL_FAULTS = (
    ((14, 0), (14, 4), "CREATE INDEX CONCURRENTLY and REINDEX CONCURRENTLY may damage an index"),
    *(
        ((major, minor), (major, minor + 1), "extensions built for the release before may crash it")
        for major, minor in ((14, 14), (15, 9), (16, 5), (17, 1))
    ),
)


@check("TimescaleDB's release")
def timescaledb(asked: Asked) -> Iterator[Found]:
    version = asked.timescaledb
    if version is None:
        return
    # One that was never released is somebody's own build: nobody knows what is in it.
    if "-" in version:
        return
    if release(version) < OLDEST_TIMESCALEDB:
        yield TIMESCALEDB_OLD(version=version, oldest=".".join(map(str, OLDEST_TIMESCALEDB)))
    for fault in FAULTS:
        if fault.first <= release(version) < fault.mended:
            mended = ".".join(map(str, fault.mended))
            yield TIMESCALEDB_FAULT(version=version, fault=fault.what, mended=mended)
            break
    newest = max((release(row[0]) for row in asked.rows("doctor_available")), default=())
    if newest > release(version):
        yield TIMESCALEDB_NOT_UPDATED(version=version, newest=".".join(map(str, newest)))


@check("PostgreSQL's release")
def postgresql(asked: Asked) -> Iterator[Found]:
    version = divmod(asked.postgresql, 10000)
    for first, mended, fault in POSTGRESQL_FAULTS:
        if first <= version < mended:
            text = f"{version[0]}.{version[1]}"
            yield POSTGRESQL_FAULT(version=text, major=version[0], fault=fault)


@check("TimescaleDB's edition", engine="timescale")
def edition(asked: Asked) -> Iterator[Found]:
    if asked.edition == "apache":
        yield EDITION_APACHE()


@check("whether the server is a standby")
def standby(asked: Asked) -> Iterator[Found]:
    if asked.is_standby:
        yield STANDBY()
