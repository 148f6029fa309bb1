"""One history, one archive: a copy of a database is noticed before it writes anything there."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from tests.fix_cli import Cli
from tests.history import CHUNKS, END, START, WEEK
from tests.lifecycle.conftest import Store
from tests.lifecycle.test_clean import LEFT, aged

import coldstream
from coldstream.archive.manifest.claims import read_claim
from coldstream.archive.storage.location import ArchiveLocation
from coldstream.errors import ArchiveConflict, ArchiveError, ArchiveUnavailable, InvalidInput
from coldstream.lifecycle import Lifecycle
from coldstream.lifecycle.policy import Policy

Verb = Callable[[coldstream.Store], Any]
MIDDLE = START + 3 * WEEK
# As of a row that no dump has loaded.
SAME_FILES = "written_by = pg_current_xact_id()::xid"


def run(opened: coldstream.Store) -> None:
    steps = opened.lifecycle.run(Policy(archive_after=timedelta(days=1)))
    problems = [step.problem for step in steps if step.problem]
    if problems:
        raise problems[0]


VERBS: dict[str, Verb] = {
    "archive": lambda opened: opened.lifecycle.archive(END),
    "archive again": lambda opened: opened.lifecycle.archive(END, again=True),
    "run": run,
    "clean": lambda opened: opened.lifecycle.clean(timedelta(0)),
}


@pytest.fixture
def half(store: Store) -> Store:
    """The first three chunks are in the archive, and something to clean."""
    with store.opened() as opened:
        opened.lifecycle.archive(MIDDLE)
        assert [each.problem for each in opened.lifecycle.verify()] == [None] * 3
    (store.objects()[0].parent / LEFT).write_bytes(b"x")
    aged(store.objects()[0].parent / LEFT)
    return store


def as_a_copy(store: Store) -> None:
    """As if this database were another one than the one that wrote last."""
    store.run("UPDATE incarnation SET database = database::int8 + 1")


@pytest.mark.parametrize("verb", VERBS)
def test_a_dump_in_a_new_server_is_a_copy(half: Store, verb: str) -> None:
    """Two servers just made count alike: what is loaded into both has the same numbers in both."""
    half.run("UPDATE incarnation SET system_identifier = coalesce(system_identifier, 0) - 1")
    before = half.files()
    with half.opened() as opened, pytest.raises(ArchiveConflict, match="is a copy"):
        VERBS[verb](opened)
    assert half.files() == before


def row(store: Store) -> list[Any]:
    return store.run("SELECT archive_url, number, token, previous_token FROM incarnation")


def put_back(store: Store, was: list[Any]) -> None:
    """As if this database were a physical copy, made at that time."""
    store.run(
        "UPDATE incarnation SET (archive_url, number, token, previous_token) = (%s, %s, %s, %s)",
        was[0],
    )


@pytest.mark.parametrize("verb", VERBS)
def test_a_copy_writes_nothing(half: Store, verb: str) -> None:
    as_a_copy(half)
    before, ledger = half.files(), half.run("SELECT range_start, archive_manifest FROM chunks")
    with half.opened() as opened, pytest.raises(ArchiveConflict, match="is a copy") as caught:
        VERBS[verb](opened)
    assert "adopt" in f"{caught.value.hint}"
    assert "fork" in f"{caught.value.hint}"
    assert half.files() == before
    assert half.run("SELECT range_start, archive_manifest FROM chunks") == ledger


@pytest.mark.parametrize("verb", VERBS)
def test_of_two_physical_copies_one_goes_on(half: Store, verb: str) -> None:
    was = row(half)
    with half.opened() as opened:
        VERBS[verb](opened)
    assert row(half) != was
    (half.objects()[0].parent / LEFT).write_bytes(b"x")
    aged(half.objects()[0].parent / LEFT)
    put_back(half, was)
    half.run("UPDATE chunks SET state = 'closed' WHERE state IN ('exported', 'verified')")
    before = half.files()
    for each in VERBS.values():
        with half.opened() as opened, pytest.raises(ArchiveConflict, match="Another database"):
            each(opened)
    assert half.files() == before


def test_a_first_export_of_two_copies(store: Store) -> None:
    was = row(store)
    with store.opened() as opened:
        opened.lifecycle.archive(MIDDLE)
    put_back(store, was)
    store.run("UPDATE store SET archive_url = NULL")
    with store.opened() as opened, pytest.raises(ArchiveConflict, match="Another database"):
        opened.lifecycle.archive(END)


@pytest.mark.parametrize("made", [False, True], ids=["noted", "made"])
def test_a_killed_claim_is_made_again(half: Store, made: bool, monkeypatch: Any) -> None:
    create = ArchiveLocation.create

    def killed(self: ArchiveLocation, key: str, data: bytes) -> None:
        if made:
            create(self, key, data)
        raise ArchiveUnavailable("killed here")

    with monkeypatch.context() as patch, half.opened() as opened:
        patch.setattr(ArchiveLocation, "create", killed)
        with pytest.raises(ArchiveUnavailable):
            opened.lifecycle.archive(END)
    with half.opened() as opened:
        assert len(opened.lifecycle.archive(END)) == 3


def test_a_killed_commit_is_known(half: Store, monkeypatch: Any) -> None:
    """The manifest is in the archive, and the ledger does not say so yet."""
    half.run("SELECT unfreeze(chunk_name::regclass) FROM chunks WHERE chunk_name IS NOT NULL")
    half.run("DELETE FROM messages WHERE stream_name = 'account-1' AND position = 0")

    def killed(*_: Any, **__: Any) -> None:
        raise ArchiveUnavailable("killed here")

    with monkeypatch.context() as patch, half.opened() as opened:
        patch.setattr("coldstream.lifecycle.session.Session.record", killed)
        with pytest.raises(ArchiveUnavailable):
            opened.lifecycle.archive(MIDDLE, again=True)
    half.run("SELECT unfreeze(chunk_name::regclass) FROM chunks WHERE chunk_name IS NOT NULL")
    half.run("DELETE FROM messages WHERE stream_name = 'account-1' AND position = 1")
    with half.opened() as opened:
        opened.lifecycle.archive(MIDDLE, again=True)
        assert [each.problem for each in opened.lifecycle.verify()] == [None] * 3


def test_a_manifest_that_the_ledger_does_not_know(half: Store) -> None:
    """The claims agree, and still another history is in the way: restored by hand."""
    half.run(
        "UPDATE chunks SET state = 'sealed', archive_manifest = NULL, digest = NULL "
        "WHERE range_start = %s",
        [START],
    )
    half.run("SELECT unfreeze(chunk_name::regclass) FROM chunks WHERE chunk_name IS NOT NULL")
    half.run("DELETE FROM messages WHERE stream_name = 'account-1' AND position = 0")
    before = half.objects()
    with half.opened() as opened, pytest.raises(ArchiveConflict, match="not known to this"):
        opened.lifecycle.archive(START + WEEK)
    manifests = [file.name for file in before[0].parent.glob("_manifest*")]
    assert manifests == ["_manifest-000001.json"]


def test_pg_upgrade_and_other_owners_of_the_number_are_no_copies(half: Store) -> None:
    # pg_upgrade: another server's number, the same tables.
    half.run(f"UPDATE incarnation SET system_identifier = 1, database = 1, {SAME_FILES}")
    with half.opened() as opened:
        assert len(opened.lifecycle.archive(END)) == 3
    [(number,)] = half.run("SELECT system_identifier FROM incarnation")
    assert number != 1
    # A service that does not say the number.
    half.run(f"UPDATE incarnation SET system_identifier = NULL, {SAME_FILES}")
    with half.opened() as opened:
        opened.lifecycle.archive(END, again=True)
    half.run(f"UPDATE incarnation SET system_identifier = NULL, tables[1] = 1, {SAME_FILES}")
    with half.opened() as opened, pytest.raises(ArchiveConflict, match="is a copy"):
        opened.lifecycle.archive(END, again=True)


@pytest.mark.parametrize("lost", [False, True], ids=["copied", "its row was left out"])
def test_adopted(half: Store, lost: bool) -> None:
    as_a_copy(half)
    if lost:
        half.run("DELETE FROM incarnation")
        with half.opened() as opened, pytest.raises(ArchiveConflict, match="is a copy"):
            opened.lifecycle.archive(END)
    with half.opened() as opened:
        adopted = opened.lifecycle.adopt()
        assert (adopted.archive_url, adopted.behind) == (half.archive, [])
        assert len(opened.lifecycle.archive(END)) == 3
        opened.lifecycle.verify()
        opened.lifecycle.drop(END)
    assert half.read_all() == half.truth


def test_the_former_one_is_refused_after_an_adoption(half: Store) -> None:
    was = row(half)
    with half.opened() as opened:
        opened.lifecycle.adopt()
    put_back(half, was)
    with half.opened() as opened, pytest.raises(ArchiveConflict, match="Another database"):
        opened.lifecycle.archive(END)


def test_an_adopted_database_that_lacks_ranges_waits_for_the_rebuild(half: Store) -> None:
    with half.opened() as opened:
        opened.lifecycle.drop(MIDDLE)
    half.run("DELETE FROM chunks WHERE range_start = %s", [START])
    as_a_copy(half)
    with half.opened() as opened:
        assert opened.lifecycle.adopt().behind == [(START, START + WEEK)]
        with pytest.raises(ArchiveConflict, match="this database lacks"):
            opened.lifecycle.archive(END)
        opened.lifecycle.rebuild()
        assert len(opened.lifecycle.archive(END)) == 3
    assert half.read_all() == half.truth


def test_a_fork_reads_what_was_archived_before(half: Store, tmp_path: Any) -> None:
    with half.opened() as opened:
        opened.lifecycle.drop(MIDDLE)
    as_a_copy(half)
    theirs = half.files()
    own = (tmp_path / "fork").as_uri()
    with half.opened() as opened, pytest.raises(ArchiveConflict, match="copied from"):
        opened.lifecycle.fork()
    with half.opened(archive=None) as opened, pytest.raises(InvalidInput):
        opened.lifecycle.fork()
    with half.opened(archive=own) as opened:
        forked = opened.lifecycle.fork()
        assert (forked.archive_url, forked.shared) == (own, 3)
        assert len(opened.lifecycle.archive(END)) == 3
        assert [each.problem for each in opened.lifecycle.verify(deep=True)] == [None] * CHUNKS
        opened.lifecycle.drop(END)
        assert list(opened.get_all_messages()) == half.truth
        stream = [m for m in half.truth if m.stream_name == "account-1"]
        stream.sort(key=lambda m: m.position)
        assert list(opened.get_stream_messages("account-1")) == stream
        category = [m for m in half.truth if m.category == "account"]
        assert list(opened.get_category_messages("account")) == category
        opened.lifecycle.rehydrate(START, END)
        assert opened.lifecycle.clean(timedelta(0)) == []
    assert half.files() == theirs
    # Where the ledger says, with no archive named.
    with half.opened(archive=None) as opened:
        opened.lifecycle.drop(END)
        assert list(opened.get_all_messages()) == half.truth
    [(store_id,)] = half.run("SELECT id::text FROM store")
    claim = read_claim(ArchiveLocation.open(own), half.installed.schema, 1)
    assert claim is not None
    assert claim.store_id == store_id == forked.store_id


def test_the_archive_of_another_store_is_not_adopted_nor_forked_into(
    half: Store, new_store: Any
) -> None:
    other = new_store()
    with coldstream.connect(other.dsn, schema=other.schema, archive=half.archive) as opened:
        # Of another schema, below the same URL: nothing of it is in the way.
        opened.lifecycle.adopt()
    half.run("UPDATE store SET id = gen_random_uuid()")
    with half.opened() as opened, pytest.raises(ArchiveConflict, match="another store"):
        opened.lifecycle.adopt()
    with half.opened() as opened, pytest.raises(ArchiveConflict, match="copied from"):
        opened.lifecycle.fork()


def test_another_archive_is_refused(half: Store, tmp_path: Any) -> None:
    other = (tmp_path / "other").as_uri()
    for verb in VERBS.values():
        with half.opened(archive=other) as opened, pytest.raises(ArchiveConflict) as caught:
            verb(opened)
        assert half.archive in str(caught.value)
        assert other in str(caught.value)
    assert not (tmp_path / "other").exists()
    # It need not be named any more.
    with half.opened(archive=None) as opened:
        assert len(opened.lifecycle.archive(END)) == 3


def test_an_archive_that_was_copied_is_adopted(half: Store, tmp_path: Any) -> None:
    import shutil

    with half.opened() as opened:
        opened.lifecycle.drop(MIDDLE)
    copied = tmp_path / "copied"
    refused = pytest.raises(ArchiveConflict, match="lacks 3 of the ranges")
    with half.opened(archive=copied.as_uri()) as opened, refused:
        opened.lifecycle.adopt()
    copied.rmdir()
    shutil.copytree(half.folder, copied)
    shutil.rmtree(half.folder)
    with half.opened(archive=copied.as_uri()) as opened:
        assert opened.lifecycle.adopt().archive_url == copied.as_uri()
    with half.opened(archive=None) as opened:
        assert len(opened.lifecycle.archive(END)) == 3
        assert list(opened.get_all_messages()) == half.truth


def test_the_commands(half: Store, cli: Cli, tmp_path: Any) -> None:
    words = ["--dsn", half.installed.dsn, "--schema", half.installed.schema]
    as_a_copy(half)
    refused = cli("archive", "--older-than", "0d", *words)
    assert refused.status == 1
    assert "copy" in refused.err
    assert "adopt" in refused.err
    assert half.archive in cli("archive", "adopt", "--yes", *words).out
    as_a_copy(half)
    other = (tmp_path / "fork").as_uri()
    forked = cli("archive", "fork", "--yes", "--archive", other, *words)
    assert other in forked.out
    assert "3 ranges" in forked.out


def test_no_error_is_swallowed() -> None:
    assert issubclass(ArchiveConflict, ArchiveError)


def test_a_copy_publishes_nothing(half: Store, tmp_path: Any) -> None:
    """Its catalog is a copy too, and the table that it names has its files in the archive."""
    pytest.importorskip("pyiceberg", reason="not covered here: pyiceberg is not installed")
    with half.opened() as opened:
        opened.lifecycle = Lifecycle(opened, iceberg=f"sqlite:///{tmp_path / 'catalog.db'}")
        opened.lifecycle.publish()
        opened.lifecycle.archive(END)
        opened.lifecycle = Lifecycle(opened, iceberg=None)
        opened.lifecycle.verify()
    as_a_copy(half)
    before = half.files()
    with half.opened() as opened:
        opened.lifecycle = Lifecycle(opened, iceberg=f"sqlite:///{tmp_path / 'catalog.db'}")
        assert len(opened.lifecycle.publish(dry_run=True).added) == 3
        for anew in (False, True):
            with pytest.raises(ArchiveConflict, match="is a copy"):
                opened.lifecycle.publish(anew=anew)
    assert half.files() == before


def test_a_fork_comes_back_from_both_places(half: Store, tmp_path: Any) -> None:
    """Its archive names the ranges that it has elsewhere."""
    from tests.fix_store import drop_store, install_store

    with half.opened() as opened:
        opened.lifecycle.drop(MIDDLE)
    own = (tmp_path / "fork").as_uri()
    with half.opened(archive=own) as opened:
        opened.lifecycle.fork()
        opened.lifecycle.archive(END)
        opened.lifecycle.verify()
        opened.lifecycle.drop(END)
    drop_store(half.installed.dsn, half.installed.schema)
    install_store(half.installed.dsn, half.installed.schema)
    with half.opened(archive=own) as opened:
        found = opened.lifecycle.rebuild()
        assert [each.result for each in found] == ["restored"] * CHUNKS
        assert list(opened.get_all_messages()) == half.truth
        assert opened.lifecycle.adopt().behind == []


@pytest.mark.native
@pytest.mark.parametrize("gone", [False, True])
def test_a_template_copy_is_told_what_it_is(half: Store, gone: bool) -> None:
    """As the row is in a database that was made from another one of the server."""
    template = "SELECT oid FROM pg_database WHERE datname = 'template1'"
    half.run(f"UPDATE incarnation SET database = {'4000000000' if gone else f'({template})'}")
    with half.opened() as opened, pytest.raises(ArchiveConflict) as caught:
        opened.lifecycle.archive(END)
    said, hint = str(caught.value), str(caught.value.hint)
    assert "CREATE DATABASE ... TEMPLATE" in said
    if gone:
        assert "which is gone" in said
    else:
        assert "is a copy of template1, another one of this server" in said
        assert "template1 is refused" in hint
    assert "adopt" in hint
    assert "fork" in hint
    half.run("UPDATE incarnation SET tables[1] = 1::oid")
    with half.opened() as opened, pytest.raises(ArchiveConflict, match="loaded from a dump"):
        opened.lifecycle.archive(END)
