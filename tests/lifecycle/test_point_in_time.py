"""The whole circle with real servers: a base backup, WAL, and an archive that went on since."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from tests.fix_cluster import StartBackup, StartCluster, require_timescaledb
from tests.fix_store import InstalledStore, install_store
from tests.history import without_jobs

import coldstream
from coldstream import Message
from coldstream.errors import ArchiveConflict, LifecycleBusy

pytestmark = pytest.mark.native

WEEK = timedelta(days=7)
START = datetime(2025, 1, 2, tzinfo=UTC)
END = START + 4 * WEEK
TIMESCALEDB = {
    "shared_preload_libraries": "timescaledb",
    "timescaledb.telemetry_level": "off",
    "max_worker_processes": "20",
}


@dataclass(frozen=True)
class Primary:
    store: InstalledStore
    archive: str
    wal: Path
    backup: Path

    def opened(self, dsn: str | None = None) -> coldstream.Store:
        return coldstream.connect(
            dsn or self.store.dsn, schema=self.store.schema, archive=self.archive
        )


def message(stream: str, position: int, at: datetime) -> Message:
    return Message(
        id=uuid4(),
        stream_name=stream,
        type="Happened",
        position=position,
        global_position=0,
        data_text=f'{{"number": {position}}}',
        metadata_text=None,
        time=at,
    )


def week(number: int, first: int, last: int, stream: str = "account-1") -> list[Message]:
    start = START + number * WEEK + timedelta(minutes=first)
    return [
        message(stream, position, start + timedelta(seconds=position))
        for position in range(first, last)
    ]


@pytest.fixture
def primary(
    start_cluster: StartCluster,
    base_backup: Callable[[str], Path],
    tmp_path: Path,
    server_folder: Path,
) -> Primary:
    """A server that archives its WAL, a store on it, a base backup, and a restore point. At that
    the first week is archived, and the second has ended: 5 to 9 of account-1, 5 of account-2."""
    require_timescaledb()
    wal = server_folder
    dsn = start_cluster(
        **TIMESCALEDB,
        wal_level="replica",
        archive_mode="on",
        archive_command=f"cp %p {wal}/%f",
        max_wal_senders="4",
    )
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("CREATE EXTENSION timescaledb")
    store = without_jobs(install_store(dsn, "message_store"))
    primary = Primary(store, (tmp_path / "archive").as_uri(), wal, base_backup(dsn))
    with primary.opened() as opened:
        opened.import_messages(week(0, 0, 5))
        opened.lifecycle.compress(START + WEEK)
        opened.lifecycle.archive(START + WEEK)
        opened.lifecycle.verify()
        opened.lifecycle.drop(START + WEEK)
        opened.import_messages(week(1, 5, 10) + week(1, 0, 5, "account-2"))
    store.run("SELECT pg_create_restore_point('before')")
    return primary


def go_on(primary: Primary, *, later_week: bool) -> list[Message]:
    """After the restore point: acknowledged, archived and dropped."""
    with primary.opened() as opened:
        opened.import_messages(week(1, 10, 13))
        if later_week:
            opened.import_messages(week(2, 13, 15) + week(2, 0, 1, "account-3"))
        opened.lifecycle.compress(END)
        opened.lifecycle.archive(END)
        assert [each.problem for each in opened.lifecycle.verify() if each.problem] == []
        opened.lifecycle.drop(END)
        truth = list(opened.get_all_messages())
    [(segment,)] = primary.store.run("SELECT pg_walfile_name(pg_switch_wal())")
    wait(
        primary.store.dsn,
        f"SELECT coalesce(last_archived_wal >= '{segment}', false) FROM pg_stat_archiver",
    )
    return truth


def recovered(start_backup: StartBackup, primary: Primary) -> str:
    dsn = start_backup(
        primary.backup,
        "recovery",
        **TIMESCALEDB,
        restore_command=f"cp {primary.wal}/%f %p",
        recovery_target_name="before",
        recovery_target_action="promote",
    )
    wait(dsn, "SELECT NOT pg_is_in_recovery()")
    return dsn


def wait(dsn: str, statement: str) -> None:
    deadline = time.monotonic() + 60
    with psycopg.connect(dsn, autocommit=True) as connection:
        while connection.execute(statement.encode()).fetchone() != (True,):
            assert time.monotonic() < deadline, statement
            time.sleep(0.05)


@pytest.mark.parametrize("later_week", [False, True], ids=["the cut range", "and a later one"])
def test_a_point_in_time_before_an_archive_and_a_drop(
    primary: Primary, start_backup: StartBackup, later_week: bool
) -> None:
    truth = go_on(primary, later_week=later_week)
    restored = recovered(start_backup, primary)
    with primary.opened(restored) as opened:
        # Nothing is archived before it has all that the archive has, and somebody says what it is.
        with pytest.raises(ArchiveConflict):
            opened.lifecycle.archive(END)
        shown = opened.lifecycle.rebuild(dry_run=True)
        found = opened.lifecycle.rebuild()
        expected = ["known", "merged", *["restored"] * later_week]
        assert [each.result for each in shown] == expected
        assert [(each.result, each.loaded) for each in found] == [
            ("known", 0),
            ("merged", 3),
            *[("restored", 0)] * later_week,
        ]
        assert list(opened.get_all_messages()) == truth
        stream = [each for each in truth if each.stream_name == "account-1"]
        assert list(opened.get_stream_messages("account-1")) == stream
        # Neither a position nor a global position comes again.
        written = opened.write_message("account-1", "Happened", {})
        assert written.position == stream[-1].position + 1
        assert written.global_position > truth[-1].global_position
        with pytest.raises(ArchiveConflict):
            opened.lifecycle.archive(END)
        assert opened.lifecycle.adopt().behind == []
        opened.lifecycle.archive(END)
        assert [each.problem for each in opened.lifecycle.verify(again=True) if each.problem] == []
        opened.lifecycle.drop(END)
        assert list(opened.get_all_messages())[:-1] == truth
        assert [each.result for each in opened.lifecycle.rebuild()] == ["known"] * len(found)
    # The one it was restored from is still there, and went on.
    with primary.opened() as opened:
        opened.import_messages(week(3, 15, 16))
        with pytest.raises(ArchiveConflict, match="Another database"):
            opened.lifecycle.archive(END)


def test_adopted_first(primary: Primary, start_backup: StartBackup) -> None:
    truth = go_on(primary, later_week=True)
    with primary.opened(recovered(start_backup, primary)) as opened:
        assert len(opened.lifecycle.adopt().behind) == 2
        with pytest.raises(ArchiveConflict, match="this database lacks"):
            opened.lifecycle.archive(END)
        opened.lifecycle.rebuild()
        opened.lifecycle.archive(END)
        assert list(opened.get_all_messages()) == truth


def test_what_was_written_before_the_rebuild_is_told(
    primary: Primary, start_backup: StartBackup
) -> None:
    """Too late: two histories. The range is left as it is, and nobody writes on."""
    go_on(primary, later_week=True)
    with primary.opened(recovered(start_backup, primary)) as opened:
        opened.write_message("account-1", "Other", {})
        found = opened.lifecycle.rebuild()
        assert [each.result for each in found] == ["known", "failed", "restored"]
        assert "others in the database" in str(found[1].problem)
        with pytest.raises(LifecycleBusy, match="being restored"):
            opened.write_message("account-1", "Other", {})


def test_a_fork_goes_its_own_way(
    primary: Primary, start_backup: StartBackup, tmp_path: Path
) -> None:
    truth = go_on(primary, later_week=True)
    restored = recovered(start_backup, primary)
    own = (tmp_path / "fork").as_uri()
    with coldstream.connect(restored, archive=own) as opened:
        assert opened.lifecycle.fork().shared == 1
        opened.lifecycle.archive(END)
        opened.lifecycle.verify()
        opened.lifecycle.drop(END)
        assert [m.position for m in opened.get_stream_messages("account-1")] == list(range(10))
    with primary.opened() as opened:
        assert list(opened.get_all_messages()) == truth
        opened.import_messages(week(3, 15, 16))
        opened.lifecycle.archive(END)


def test_a_standby_takes_over(primary: Primary, start_backup: StartBackup) -> None:
    with psycopg.connect(primary.store.dsn, autocommit=True) as connection:
        connection.execute("SELECT pg_switch_wal()")
    standby = start_backup(
        primary.backup, "standby", **TIMESCALEDB, primary_conninfo=primary.store.dsn
    )
    with primary.opened() as opened:
        opened.import_messages(week(1, 10, 13))
        opened.lifecycle.archive(START + 2 * WEEK)
        truth = list(opened.get_all_messages())
    [(lsn,)] = primary.store.run("SELECT pg_current_wal_lsn()::text")
    wait(standby, f"SELECT pg_last_wal_replay_lsn() >= '{lsn}'")
    with psycopg.connect(standby, autocommit=True) as connection:
        connection.execute("SELECT pg_promote()")
    wait(standby, "SELECT NOT pg_is_in_recovery()")
    # It is the same database, as far as the archive goes: nobody has to say anything.
    with primary.opened(standby) as opened:
        opened.lifecycle.verify()
        opened.import_messages(week(2, 13, 14))
        opened.lifecycle.archive(END)
        opened.lifecycle.verify()
        opened.lifecycle.drop(END)
        assert list(opened.get_all_messages())[:-1] == truth
    with primary.opened() as opened:
        opened.import_messages(week(2, 13, 15))
        with pytest.raises(ArchiveConflict, match="Another database"):
            opened.lifecycle.archive(END)
