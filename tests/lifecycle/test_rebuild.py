"""The ledger and the heads from the bucket alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from tests.fix_cli import Cli
from tests.fix_store import drop_store, install_store
from tests.history import CHUNKS, END, FILE_ROWS, START, WEEK, without_jobs
from tests.lifecycle.conftest import Store

from coldstream.archive.manifest.manifest import Manifest
from coldstream.archive.storage.location import ArchiveLocation, ObjectInfo
from coldstream.errors import (
    ArchiveConflict,
    ArchiveCorrupt,
    ArchiveError,
    LifecycleBusy,
    LifecycleError,
)
from coldstream.lifecycle.rebuild import Rebuilt

LEDGER = """
SELECT to_jsonb(c) - '{row_bytes,columnstore_bytes,closed_at,compressed_at,sealed_at,exported_at,
  verified_at,dropped_at,rehydrated_at,transition_at}'::text[]
FROM chunks AS c WHERE state = 'dropped' ORDER BY range_start
"""
CATEGORIES = "SELECT to_jsonb(c) FROM chunk_categories AS c ORDER BY c.category, c.range_start"
HEADS = "SELECT stream_name, position, first_time, time, time_ordered FROM streams ORDER BY 1"
MARKS = "SELECT stream_key, position, range_start FROM stream_marks ORDER BY 1, 2"


FILES = "SELECT to_jsonb(f) FROM archive_files AS f ORDER BY f.range_start, f.number"


@pytest.fixture(params=[None, FILE_ROWS], ids=["one file", "several files"])
def archived(store: Store, request: pytest.FixtureRequest) -> Store:
    with store.opened() as opened:
        opened.lifecycle.archive(END, file_rows=request.param)
        opened.lifecycle.verify()
        opened.lifecycle.drop(END)
    return store


def looks(store: Store) -> list[Any]:
    return [
        store.run(LEDGER),
        store.run(CATEGORIES),
        store.run(HEADS),
        store.run(MARKS),
        store.run(FILES),
    ]


def anew(store: Store) -> None:
    """As if the database had been lost."""
    drop_store(store.installed.dsn, store.installed.schema)
    without_jobs(install_store(store.installed.dsn, store.installed.schema))


def test_each_folder_is_listed_once(archived: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is listed again may be newer than what was read."""
    listed: list[str] = []

    def counted(location: ArchiveLocation, prefix: str = "") -> Iterator[ObjectInfo]:
        listed.append(prefix)
        return all_of(location, prefix)

    all_of = ArchiveLocation.list
    monkeypatch.setattr(ArchiveLocation, "list", counted)
    with archived.opened() as opened:
        opened.lifecycle.rebuild()
    schema = archived.installed.schema
    assert listed == [f"{schema}/_writers", schema]


def test_into_a_new_database(archived: Store) -> None:
    before = looks(archived)
    assert all(before)
    anew(archived)
    with archived.opened() as opened:
        shown = opened.lifecycle.rebuild(dry_run=True)
    assert [each.result for each in shown] == ["restored"] * CHUNKS
    assert looks(archived) == [[], [], [], [], []]
    with archived.opened() as opened:
        assert opened.lifecycle.rebuild() == shown
    assert looks(archived) == before
    with archived.opened() as opened:
        assert [each.result for each in opened.lifecycle.rebuild()] == ["known"] * CHUNKS
        assert list(opened.get_all_messages()) == archived.truth
        # Positions go on where they ended, and never come again.
        [last] = [m for m in archived.truth if m.stream_name == "account-1"][-1:]
        written = opened.write_message("account-1", "Changed", {})
        assert written.position == last.position + 1
        assert written.global_position > max(m.global_position for m in archived.truth)
        assert len(opened.lifecycle.rehydrate(START, END)) == CHUNKS
        opened.lifecycle.archive(END)
        assert opened.lifecycle.clean() == []


def test_lost_rows_of_the_ledger(archived: Store) -> None:
    with archived.opened() as opened:
        opened.write_message("account-1", "Changed", {})
    before = looks(archived)
    archived.run("DELETE FROM chunks WHERE range_start IN (%s, %s)", [START, START + 2 * WEEK])
    with archived.opened() as opened:
        opened.lifecycle.rehydrate(START + 4 * WEEK, START + 5 * WEEK)
        found = [each.result for each in opened.lifecycle.rebuild()]
        assert found == ["restored", "known", "restored", "known", "database", "known"]
        opened.lifecycle.drop(END)
    assert looks(archived) == before
    assert archived.read_all()[:-1] == archived.truth


def test_an_archive_of_another_store_is_refused(archived: Store) -> None:
    anew(archived)
    with archived.opened(archive=None) as opened:
        opened.write_message("account-1", "Opened", {})
    before = archived.snapshot()
    with archived.opened() as opened, pytest.raises(LifecycleError, match="another store"):
        opened.lifecycle.rebuild()
    assert archived.snapshot() == before


def test_positions_in_the_database_and_the_archive_are_refused(archived: Store) -> None:
    """A backup that is older than the archive, and was written to since."""
    [(identity,)] = archived.run("SELECT id FROM store")
    anew(archived)
    archived.run("UPDATE store SET id = %s", [identity])
    with archived.opened(archive=None) as opened:
        opened.write_message("account-1", "Opened", {})
    before = archived.snapshot()
    with archived.opened() as opened:
        first = opened.lifecycle.rebuild()[0]
    assert isinstance(first.problem, LifecycleError)
    assert "others in the database" in str(first.problem)
    # What it wrote is as it was, and nobody writes before somebody says what this database is.
    assert archived.snapshot()[3] == before[3]
    with archived.opened() as opened, pytest.raises(LifecycleBusy, match="being restored"):
        opened.write_message("account-1", "Changed", {})


def test_other_messages_than_the_ledger_knows_are_refused(archived: Store) -> None:
    archived.run("UPDATE chunks SET digest = 'sum-sha256:0:0' WHERE range_start = %s", [START])
    before = archived.snapshot()
    with archived.opened() as opened:
        first, *others = opened.lifecycle.rebuild()
    assert "other messages" in str(first.problem)
    assert [each.result for each in others] == ["known"] * (CHUNKS - 1)
    assert archived.snapshot() == before


def test_a_damaged_object_keeps_no_other_range(archived: Store) -> None:
    before = looks(archived)
    anew(archived)
    file = archived.objects()[-1]
    whole = file.read_bytes()
    file.write_bytes(whole[:-1])
    with archived.opened() as opened:
        *restored, failed = opened.lifecycle.rebuild()
        assert [each.result for each in restored] == ["restored"] * (CHUNKS - 1)
        assert isinstance(failed.problem, ArchiveCorrupt)
        # A read that needs it is not merely shorter, and no write begins its streams anew.
        with pytest.raises(ArchiveError):
            list(opened.get_all_messages())
        with pytest.raises(LifecycleBusy, match="being restored"):
            opened.write_message("account-1", "Changed", {})
        file.write_bytes(whole)
        assert opened.lifecycle.rebuild()[-1].result == "restored"
    assert looks(archived) == before
    with archived.opened() as opened:
        opened.write_message("account-1", "Changed", {})


def test_what_failed_is_accepted(archived: Store) -> None:
    anew(archived)
    archived.objects()[-1].unlink()
    with archived.opened() as opened:
        assert opened.lifecycle.rebuild(accept_failed=True)[-1].result == "failed"
        opened.write_message("account-1", "Changed", {})


def test_a_damaged_manifest_keeps_no_other_range(archived: Store) -> None:
    anew(archived)
    manifest = archived.objects()[0].with_name("_manifest-000001.json")
    manifest.write_bytes(manifest.read_bytes()[:-9])
    with archived.opened() as opened:
        failed, *restored = opened.lifecycle.rebuild()
    assert (failed.range_start, failed.result) == (START, "failed")
    assert [each.result for each in restored] == ["restored"] * (CHUNKS - 1)


def test_a_killed_rebuild_goes_on(archived: Store) -> None:
    before = looks(archived)
    anew(archived)

    def kill(found: Rebuilt, number: int, count: int) -> None:
        if number == 3:
            raise KeyboardInterrupt

    with archived.opened() as opened:
        with pytest.raises(KeyboardInterrupt):
            opened.lifecycle.rebuild(on_range=kill)
        with pytest.raises(LifecycleBusy, match="being restored"):
            opened.write_message("account-1", "Changed", {})
        assert [each.result for each in opened.lifecycle.rebuild(dry_run=True)] == [
            *["known"] * 3,
            *["restored"] * 3,
        ]
        opened.lifecycle.rebuild()
    assert looks(archived) == before
    with archived.opened() as opened:
        opened.write_message("account-1", "Changed", {})


def test_ranges_of_two_stores_are_refused(archived: Store) -> None:
    manifest = archived.objects()[0].with_name("_manifest-000001.json")
    ours = Manifest.from_json(manifest.read_bytes())
    theirs = replace(ours, store_id="0192d3a4-0000-7000-8000-000000000000")
    manifest.write_bytes(theirs.to_json())
    with archived.opened() as opened, pytest.raises(ArchiveConflict, match="several stores"):
        opened.lifecycle.rebuild()


def test_the_command(archived: Store, cli: Cli) -> None:
    words = ["--dsn", archived.installed.dsn, "--schema", archived.installed.schema]
    words += ["--archive", archived.archive]
    assert "nothing to rebuild" in cli("archive", "rebuild", *words).out
    anew(archived)
    assert "would restore 6 of 6 ranges" in cli("archive", "rebuild", "--dry-run", *words).out
    assert len(cli("archive", "rebuild", "--json", *words).json) == CHUNKS
    assert archived.read_all() == archived.truth


def test_nobody_but_the_owner_writes_meanwhile(archived: Store) -> None:
    """Not with the setting that restore_heads uses, either: anybody can set that."""
    archived.run("SELECT begin_restore(id, 0) FROM store")
    with archived.installed.connect() as connection:
        connection.execute(f"SET SESSION AUTHORIZATION {archived.installed.role}".encode())
        connection.execute("SET coldstream.restoring = 'on'")
        for statement in (
            b"SELECT write_message(gen_random_uuid()::text, 'account-1', 'T', '{}')",
            b"INSERT INTO messages (stream_name, position, type) VALUES ('new-1', 0, 'T')",
        ):
            with pytest.raises(psycopg.Error) as caught:
                connection.execute(statement)
            assert caught.value.sqlstate == "CS006"
        connection.execute("RESET SESSION AUTHORIZATION")
