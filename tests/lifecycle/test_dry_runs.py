"""A dry run changes nothing at all, and needs nothing that another lifecycle holds; what it showed
is what is done afterwards."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from tests.fix_cli import Cli
from tests.history import END, START, WEEK, history, insert
from tests.lifecycle.conftest import Store

import coldstream
from coldstream import InvalidInput, PlanChanged
from coldstream.lifecycle import Lifecycle, Policy

FIRST = START + WEEK
ALL_DUE = Policy(*[timedelta(days=1)] * 3)
LEFT = "messages-" + "ab" * 32 + ".parquet"


def everything(store: Store) -> dict[str, Any]:
    """All that a verb could change: tables, sequences, TimescaleDB's catalog, and the archive."""
    schema = store.installed.schema
    tables = store.run(
        "SELECT c.relname::text, c.relkind::text, c.oid FROM pg_class AS c "
        "WHERE c.relnamespace = %s::regnamespace ORDER BY 1",
        [schema],
    )
    found: dict[str, Any] = {"relations": tables}
    for name, kind, _ in tables:
        if kind == "S":
            found[name] = store.run(f'SELECT last_value, is_called FROM "{schema}"."{name}"')
        elif kind == "r" and name != "messages":
            found[name] = store.run(f'SELECT to_jsonb(t) FROM "{schema}"."{name}" AS t ORDER BY 1')
    found["catalog"] = store.run(
        "SELECT c.id, c.table_name::text, c.status FROM _timescaledb_catalog.chunk AS c ORDER BY 1"
    )
    found["others"] = store.run(
        "SELECT c.relname::text FROM pg_class AS c WHERE c.relname LIKE 'iceberg%%' ORDER BY 1", []
    )
    found["files"] = [(path, path.stat().st_mtime_ns) for path in sorted(store.folder.rglob("*"))]
    return found


def archived(store: Store, *, drop: bool = False) -> None:
    """The first chunk in the archive; a third one that has ended, and that nobody has closed."""
    with store.opened() as opened:
        opened.lifecycle.archive(FIRST)
        if drop:
            opened.lifecycle.verify()
            opened.lifecycle.drop(FIRST)
    more = [row for row in history() if START + 2 * WEEK <= row[2] < START + 3 * WEEK]
    insert(store.installed, more)


def verified(store: Store) -> None:
    archived(store)
    with store.opened() as opened:
        opened.lifecycle.verify()
    more = [row for row in history() if START + 3 * WEEK <= row[2] < START + 4 * WEEK]
    insert(store.installed, more)


def dropped(store: Store) -> None:
    archived(store, drop=True)


def orphaned(store: Store) -> None:
    archived(store)
    (store.objects()[0].parent / LEFT).write_bytes(b"x")


def without_manifest(store: Store) -> None:
    archived(store, drop=True)
    for path in store.files():
        if "_manifest" in path.name:
            path.unlink()


def forgotten(store: Store) -> None:
    """The archive has a range of which the ledger knows nothing."""
    archived(store, drop=True)
    store.run_behind("DELETE FROM archive_files")
    store.run_behind("DELETE FROM chunk_categories WHERE range_start = %s", [START])
    store.run_behind("DELETE FROM chunks WHERE range_start = %s", [START])


Call = Callable[[Lifecycle], Any]
VERBS: dict[str, tuple[Callable[[Store], None], Call]] = {
    "compress": (lambda store: None, lambda each: each.compress(END, dry_run=True)),
    "archive": (lambda store: None, lambda each: each.archive(END, dry_run=True)),
    "verify": (archived, lambda each: each.verify(dry_run=True)),
    "drop": (verified, lambda each: each.drop(END, dry_run=True)),
    "rehydrate": (dropped, lambda each: each.rehydrate(START, END, dry_run=True)),
    "run": (lambda store: None, lambda each: each.run(ALL_DUE, dry_run=True)),
    "clean": (orphaned, lambda each: each.clean(timedelta(0), dry_run=True)),
    "repair": (without_manifest, lambda each: each.repair(dry_run=True)),
    "rebuild": (forgotten, lambda each: each.rebuild(dry_run=True)),
    "adopt": (dropped, lambda each: [each.adopt(dry_run=True)]),
    "publish": (dropped, lambda each: each.publish(dry_run=True).added),
}


@pytest.mark.native
@pytest.mark.parametrize("verb", VERBS)
def test_it_changes_nothing_while_another_lifecycle_is_at_work(small: Store, verb: str) -> None:
    prepare, call = VERBS[verb]
    prepare(small)
    before = everything(small)
    with small.installed.connect() as other, small.opened(max_size=1) as opened:
        other.execute("BEGIN")
        other.execute("SELECT lifecycle_lock()")
        with opened.connection() as connection:
            name = connection.info.parameter_status("application_name")
        assert call(opened.lifecycle)
        with opened.connection() as connection:
            assert connection.info.parameter_status("application_name") == name
            assert connection.execute("SHOW default_transaction_read_only").fetchone() == ("off",)
        assert everything(small) == before
        other.execute("ROLLBACK")


@pytest.mark.native
def test_a_fork_changes_nothing_either(small: Store, tmp_path: Path) -> None:
    dropped(small)
    before = everything(small)
    elsewhere = tmp_path / "of the fork"
    with small.installed.connect() as other, small.opened(archive=elsewhere.as_uri()) as opened:
        other.execute("BEGIN")
        other.execute("SELECT lifecycle_lock()")
        forked = opened.lifecycle.fork(dry_run=True)
        assert (forked.store_id, forked.archive_url, forked.shared) == (
            None,
            elsewhere.as_uri(),
            1,
        )
        assert everything(small) == before
        assert not elsewhere.exists()
        other.execute("ROLLBACK")
        with pytest.raises(PlanChanged, match="nothing was done"):
            opened.lifecycle.fork(planned=type(forked)(None, forked.archive_url, 7))
        assert opened.lifecycle.fork(planned=forked).store_id


def test_no_folder_is_made(small: Store) -> None:
    with small.opened() as opened:
        assert len(opened.lifecycle.archive(END, dry_run=True)) == 2
        assert opened.lifecycle.clean(dry_run=True) == []
        assert opened.lifecycle.rebuild(dry_run=True) == []
    assert not small.folder.exists()


def test_the_server_refuses_what_would_change_something(small: Store) -> None:
    from coldstream.lifecycle.session import looking

    with small.opened() as opened, looking(opened) as session:
        for name, arguments in (("keep_range", [START, None]), ("set_behind", [True, True])):
            with pytest.raises(coldstream.ColdstreamError, match="read-only transaction"):
                session.rows(name, arguments)


@pytest.mark.native
@pytest.mark.parametrize("verb", ["compress", "archive", "run"])
def test_what_a_run_would_close_is_shown_as_closed(small: Store, verb: str) -> None:
    assert small.states() == ["open", "open"]
    with small.opened() as opened:
        found = VERBS[verb][1](opened.lifecycle)
        chunks = {
            each.range_start: each for each in (getattr(each, "chunk", each) for each in found)
        }
        shown = [chunks[start] for start in sorted(chunks)]
        assert small.states() == ["open", "open"]
        small.run("CALL close_ended_chunks()")
        now = [chunk for chunk in opened.lifecycle.get_chunks() if chunk.range_end <= END][:2]
    assert {chunk.state for chunk in shown} == {"closed"}
    for chunk, is_ in zip(shown, now, strict=True):
        assert (chunk.state, chunk.messages) == (is_.state, is_.messages)
        assert chunk.first_global_position == is_.first_global_position
        assert chunk.last_global_position == is_.last_global_position


@pytest.mark.native
def test_nothing_else_is_done_than_was_shown(small: Store) -> None:
    with small.opened() as opened:
        lifecycle = opened.lifecycle
        shown = lifecycle.compress(FIRST, dry_run=True)
        assert len(shown) == 1
        assert len(lifecycle.compress(END, planned=shown)) == 1
        assert [chunk.is_compressed for chunk in lifecycle.get_chunks()[:2]] == [True, False]
        shown = lifecycle.archive(FIRST, dry_run=True)
        assert len(lifecycle.archive(END, planned=shown)) == 1
        lifecycle.archive(END)
        [one] = lifecycle.verify(sample=1, dry_run=True)
        assert one.is_due
        [read] = lifecycle.verify(sample=1, planned=[one])
        assert read.chunk.range_start == one.chunk.range_start
        assert not read.is_due
        lifecycle.verify()
        going = lifecycle.drop(FIRST, dry_run=True)
        lifecycle.drop(END, planned=going)
        assert small.states() == ["dropped", "verified"]
        lifecycle.drop(END)
        back = lifecycle.rehydrate(START, FIRST, dry_run=True)
        assert len(lifecycle.rehydrate(START, END, planned=back)) == 1
        assert small.states() == ["rehydrated", "dropped"]


def test_what_somebody_else_has_done_meanwhile_is_done(small: Store) -> None:
    with small.opened() as opened:
        lifecycle = opened.lifecycle
        for verb in (lifecycle.compress, lifecycle.archive):
            shown = verb(END, dry_run=True)
            verb(END)
            assert len(verb(END, planned=shown)) == 2
        due = lifecycle.verify(dry_run=True)
        lifecycle.verify()
        assert lifecycle.verify(planned=due) == []
        going = lifecycle.drop(END, dry_run=True)
        lifecycle.drop(END)
        assert lifecycle.drop(END, planned=going) == []


@pytest.mark.native
def test_what_has_changed_is_left_and_said(small: Store) -> None:
    with small.opened() as opened:
        lifecycle = opened.lifecycle
        shown = lifecycle.compress(END, dry_run=True)
        lifecycle.archive(FIRST)
        with pytest.raises(PlanChanged, match="was closed when it was shown, and is exported now"):
            lifecycle.compress(END, planned=shown)
        assert [chunk.is_compressed for chunk in lifecycle.get_chunks()[:2]] == [False, True]
        lifecycle.archive(END)
        lifecycle.verify()
        going = lifecycle.drop(END, dry_run=True)
        lifecycle.drop(END)
        lifecycle.rehydrate(START, END, keep_for=timedelta(days=1))
        with pytest.raises(PlanChanged, match="verified when it was shown, and is rehydrated now"):
            lifecycle.drop(END, planned=going)
        assert small.states() == ["rehydrated", "rehydrated"]


@pytest.mark.native
def test_other_messages_than_were_shown_are_not_dropped(small: Store) -> None:
    with small.opened() as opened:
        lifecycle = opened.lifecycle
        steps = lifecycle.run(ALL_DUE, dry_run=True)
        assert [step.verb for step in steps] == ["archive", "verify", "drop"] * 2
        late = (17_000, 0, START + timedelta(days=1), "late-1", "Late", None, None, uuid4())
        insert(small.installed, [late])
        done = lifecycle.run(ALL_DUE, planned=steps)
    assert [step.outcome for step in done] == ["done", "done", "failed", "done", "done", "done"]
    assert isinstance(done[2].problem, PlanChanged)
    assert small.states() == ["verified", "dropped"]


@pytest.mark.native
def test_a_rebuild_of_more_than_was_shown_does_nothing(small: Store) -> None:
    forgotten(small)
    with small.opened() as opened:
        shown = opened.lifecycle.rebuild(dry_run=True)
        assert [each.result for each in shown] == ["restored"]
        before = small.snapshot()
        with pytest.raises(PlanChanged, match="nothing was done"):
            opened.lifecycle.rebuild(planned=[])
        assert small.snapshot()[0] == before[0] or small.states()[0] != "dropped"


def test_a_file_that_was_not_shown_is_not_deleted(small: Store) -> None:
    orphaned(small)
    with small.opened() as opened:
        shown = opened.lifecycle.clean(timedelta(0), dry_run=True)
        other = small.objects()[0].parent / LEFT.replace("ab", "cd")
        shutil.copy(small.objects()[0], other)
        assert len(opened.lifecycle.clean(timedelta(0), planned=shown)) == 1
        assert other.exists()


COMMANDS = [
    "compress --older-than 60d",
    "archive --older-than 60d",
    "verify",
    "verify --all",
    "drop --older-than 60d",
    "rehydrate --from 2025-01-01 --to 2025-12-01",
    "lifecycle run",
    "archive clean",
    "archive repair",
    "archive rebuild",
    "archive adopt",
    "iceberg publish",
]


@pytest.mark.native
def test_the_command_line_shows_it_meanwhile(small: Store, cli: Cli) -> None:
    dropped(small)
    before = everything(small)
    place = ("--dsn", small.installed.dsn, "--schema", small.installed.schema)
    with small.installed.connect() as other:
        other.execute("BEGIN")
        other.execute("SELECT lifecycle_lock()")
        for words in COMMANDS:
            ran = cli(*words.split(), "--dry-run", *place, "--archive", small.archive)
            assert ran.status == 0, (words, ran.err)
            assert everything(small) == before, words
        other.execute("ROLLBACK")


def test_a_wrong_age_is_one_in_a_dry_run_too(small: Store) -> None:
    with small.opened() as opened, pytest.raises(InvalidInput):
        opened.lifecycle.drop(timedelta(days=-1), dry_run=True)
