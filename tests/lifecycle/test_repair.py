"""A manifest that somebody deleted or damaged: noticed by whoever needs it, and written again."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from tests.fix_cli import Cli
from tests.fix_store import drop_store, install_store
from tests.history import END, START, WEEK
from tests.lifecycle.conftest import Store
from tests.lifecycle.test_incarnation import as_a_copy

import coldstream
from coldstream.archive.manifest.manifest import Manifest, sealed
from coldstream.archive.storage.location import ArchiveLocation
from coldstream.errors import ArchiveConflict, ArchiveCorrupt, ArchiveUnavailable


@pytest.fixture(params=["parquet", "csv"])
def archived(small: Store, request: pytest.FixtureRequest) -> Store:
    """Both chunks, in the archive alone."""
    with small.opened() as opened:
        opened.lifecycle.archive(END, format=request.param)
        opened.lifecycle.verify()
        opened.lifecycle.drop(END)
    return small


@pytest.fixture
def exported(small: Store) -> Store:
    with small.opened() as opened:
        opened.lifecycle.archive(END)
    return small


def manifests(store: Store) -> list[Path]:
    return [file for file in store.files() if file.name.startswith("_manifest")]


def count(store: Store) -> int:
    found = coldstream.query(
        "SELECT count(*) AS n FROM messages", store.archive, schema=store.installed.schema
    )
    number: int = found["n"][0].as_py()
    return number


def problems(store: Store) -> list[str]:
    with store.opened() as opened:
        return [str(v.problem) for v in opened.lifecycle.verify(again=True) if v.problem]


def content(file: Path) -> dict[str, Any]:
    document = json.loads(file.read_bytes())
    for name in ("created_at", "manifest_sha256"):
        del document[name]
    return dict(document)


def test_a_deleted_manifest_is_missed_and_written_again(archived: Store) -> None:
    first, *_ = manifests(archived)
    was = content(first)
    first.unlink()
    for ask in (count, rebuild):
        with pytest.raises(ArchiveCorrupt, match="is missing") as caught:
            ask(archived)
        assert "coldstream archive repair" in str(caught.value.hint)
    assert [problem for problem in problems(archived) if "is missing" in problem]
    # Reads through the store need no manifest.
    assert archived.read_all() == archived.truth
    with archived.opened() as opened:
        [would] = opened.lifecycle.repair(dry_run=True)
        assert (would.range_start, would.result, would.problem) == (START, "missing", None)
        assert not first.exists()
        [done] = opened.lifecycle.repair()
        assert (done.result, done.problem) == ("written", None)
        assert opened.lifecycle.repair() == []
    again = content(first)
    if was["format"] == "csv":
        # Nothing else says from which chunk a CSV file was written.
        was["chunk"] = ""
    assert again == was
    assert problems(archived) == []
    assert count(archived) == len(archived.truth)


def rebuild(store: Store) -> None:
    with store.opened() as opened:
        for each in opened.lifecycle.rebuild():
            if each.problem is not None:
                raise each.problem


@pytest.mark.parametrize("damage", [b"", b"{}", b"[" * 100_000])
def test_a_damaged_one_gets_a_successor(exported: Store, damage: bytes) -> None:
    first, *_ = manifests(exported)
    was = content(first)
    first.write_bytes(damage)
    with pytest.raises(ArchiveCorrupt):
        count(exported)
    with exported.opened() as opened:
        [done] = opened.lifecycle.repair()
        assert (done.result, done.problem) == ("written", None)
        assert opened.lifecycle.repair() == []
        assert [each.problem for each in opened.lifecycle.verify()] == [None, None]
        opened.lifecycle.drop(END)
    assert first.read_bytes() == damage
    assert content(first.with_name("_manifest-000002.json")) == was
    assert count(exported) == len(exported.truth)
    assert exported.read_all() == exported.truth


def test_an_older_one_is_not_taken_for_it(exported: Store) -> None:
    """Of a range that was exported again the newest is gone; the one before names other rows."""
    exported.run("SELECT unfreeze(chunk_name::regclass) FROM chunks WHERE chunk_name IS NOT NULL")
    exported.run("DELETE FROM messages WHERE stream_name = 'account-1' AND position = 0")
    with exported.opened() as opened:
        opened.lifecycle.archive(END, again=True)
    older, newer, *_ = manifests(exported)
    assert (older.name, newer.name) == ("_manifest-000001.json", "_manifest-000002.json")
    was = content(newer)
    newer.unlink()
    with pytest.raises(ArchiveCorrupt, match=r"000002\.json is missing"):
        count(exported)
    with pytest.raises(ArchiveCorrupt, match=r"000002\.json is missing"):
        rebuild(exported)
    with exported.opened() as opened:
        [done] = opened.lifecycle.repair()
        assert done.problem is None
    assert content(newer) == was
    assert count(exported) == len(exported.truth) - 1


def test_a_deleted_one_does_not_stop_another_export(exported: Store) -> None:
    for file in manifests(exported):
        file.unlink()
    exported.run("SELECT unfreeze(chunk_name::regclass) FROM chunks WHERE chunk_name IS NOT NULL")
    exported.run("DELETE FROM messages WHERE stream_name = 'account-1' AND position = 0")
    with exported.opened() as opened:
        opened.lifecycle.archive(END, again=True)
        assert [each.problem for each in opened.lifecycle.verify()] == [None, None]
    # A number that was given is not given to other rows.
    assert {file.name for file in manifests(exported)} == {"_manifest-000002.json"}
    assert count(exported) == len(exported.truth) - 1


def test_what_is_no_more_what_was_written_gets_no_manifest(archived: Store) -> None:
    first, *_ = manifests(archived)
    first.unlink()
    [file] = [file for file in archived.objects() if file.parent == first.parent]
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    with archived.opened() as opened:
        [failed] = opened.lifecycle.repair()
        assert "SHA-256" in str(failed.problem)
        file.unlink()
        [failed] = opened.lifecycle.repair()
        assert "is missing" in str(failed.problem)
    assert not first.exists()


def test_rows_that_are_not_the_ledgers_get_none(exported: Store) -> None:
    first, *_ = manifests(exported)
    first.unlink()
    exported.run(
        "UPDATE chunks SET digest = overlay(digest placing '0000' from 20) WHERE range_start = %s",
        [START],
    )
    with exported.opened() as opened:
        [failed] = opened.lifecycle.repair()
    assert "other messages than the ledger knows" in str(failed.problem)
    assert not first.exists()


def test_another_history_is_left_alone(exported: Store) -> None:
    first, *_ = manifests(exported)
    theirs = Manifest.from_json(first.read_bytes())
    other = theirs.digest[:-4] + ("0000" if theirs.digest[-4:] != "0000" else "1111")
    document = json.loads(first.read_bytes())
    document.pop("manifest_sha256")
    document["digest"] = other
    newer = first.with_name("_manifest-000002.json")
    newer.write_bytes(sealed(document))
    before = exported.files()
    with exported.opened() as opened:
        [failed] = opened.lifecycle.repair()
    assert isinstance(failed.problem, ArchiveConflict)
    assert exported.files() == before


def test_killed_before_the_ledger_knew(exported: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    first, *_ = manifests(exported)
    first.write_bytes(b"{}")
    create = ArchiveLocation.create

    def killed(self: ArchiveLocation, key: str, data: bytes) -> None:
        create(self, key, data)
        if "manifest" in key:
            raise ArchiveUnavailable("killed here")

    with monkeypatch.context() as patch, exported.opened() as opened:
        patch.setattr(ArchiveLocation, "create", killed)
        with pytest.raises(ArchiveUnavailable):
            opened.lifecycle.repair()
    with exported.opened() as opened:
        [done] = opened.lifecycle.repair()
        assert (done.result, done.problem) == ("written", None)
        assert [each.problem for each in opened.lifecycle.verify()] == [None, None]
    assert len(manifests(exported)) == 3


def test_a_copy_adopts_and_then_repairs(exported: Store, tmp_path: Path) -> None:
    first, second = manifests(exported)
    first.unlink()
    second.write_bytes(b"{}")
    as_a_copy(exported)
    with exported.opened() as opened, pytest.raises(ArchiveConflict, match="is a copy"):
        opened.lifecycle.repair()
    with exported.opened() as opened:
        adopted = opened.lifecycle.adopt()
        assert adopted.behind == []
        assert adopted.lacking == [(START, START + WEEK), (START + WEEK, START + 2 * WEEK)]
        assert [each.problem for each in opened.lifecycle.repair()] == [None, None]
        assert opened.lifecycle.adopt().lacking == []
    # Where the archive was copied without it, too: all of its files are there.
    import shutil

    first.unlink()
    copied = tmp_path / "copied"
    shutil.copytree(exported.folder, copied)
    with exported.opened(archive=copied.as_uri()) as opened:
        assert opened.lifecycle.adopt().lacking == [(START, START + WEEK)]
        assert [each.problem for each in opened.lifecycle.repair()] == [None]
    assert (copied / first.relative_to(exported.folder)).exists()


def test_from_the_bucket_alone_it_is_missed(archived: Store) -> None:
    """Nobody else knows the range any more: a rebuild without it would give positions again."""
    first, *_ = manifests(archived)
    first.unlink()
    drop_store(archived.installed.dsn, archived.installed.schema)
    install_store(archived.installed.dsn, archived.installed.schema)
    with archived.opened() as opened:
        lost, restored = opened.lifecycle.rebuild()
        assert (lost.range_start, lost.result) == (START, "failed")
        assert "is missing" in str(lost.problem)
        assert restored.result == "restored"
        with pytest.raises(coldstream.ColdstreamError):
            opened.write_message("new-1", "T", {})
        # It is not forgotten by who adopts the archive before that.
        assert opened.lifecycle.adopt().behind == [(START, START + WEEK)]
        assert opened.lifecycle.rebuild()[0].result == "failed"
        [told] = opened.lifecycle.repair()
        assert "does not know" in str(told.problem)
        opened.lifecycle.rebuild(accept_failed=True)
        opened.write_message("new-1", "T", {})
        assert [each.result for each in opened.lifecycle.repair()] == ["given up"]
        assert opened.lifecycle.repair() == []
    assert count(archived) == sum(m.time >= START + WEEK for m in archived.truth)


def test_the_command(exported: Store, cli: Cli) -> None:
    words = ["--dsn", exported.installed.dsn, "--schema", exported.installed.schema]
    assert "nothing to repair" in cli("archive", "repair", *words).out
    first, *_ = manifests(exported)
    first.unlink()
    verified = cli("verify", *words)
    assert verified.status == 1
    assert "coldstream archive repair" in verified.err
    would = cli("archive", "repair", "--dry-run", *words)
    assert "would write 1 of 1 manifests" in would.out
    assert "missing" in would.out
    assert not first.exists()
    [row] = cli("archive", "repair", "--yes", "--json", *words).json
    assert (row["result"], row["problem"]) == ("written", None)
    assert first.exists()
    first.write_bytes(b"{}")
    done = cli("archive", "repair", "--yes", *words)
    assert (done.status, "wrote 1 of 1 manifests" in done.out) == (0, True)


@pytest.mark.parametrize("streams", [None, ["account-1"]])
def test_another_manifest_and_its_files_are_not_loaded(
    archived: Store, streams: list[str] | None
) -> None:
    """Both are whole and agree, and the digest is the ledger's: only the files are others."""
    first, *_ = manifests(archived)
    theirs = json.loads(first.read_bytes())
    theirs.pop("manifest_sha256")
    [file] = theirs["files"]
    source = archived.folder / file["key"]
    forged = hashlib.sha256(source.read_bytes() + b"\n").hexdigest()
    file["key"] = file["key"].replace(file["sha256"], forged)
    file["sha256"] = forged
    (archived.folder / file["key"]).write_bytes(source.read_bytes() + b"\n")
    first.write_bytes(sealed(theirs))
    with archived.opened() as opened:
        with pytest.raises(ArchiveCorrupt, match="not the manifest that the ledger knows"):
            opened.lifecycle.rehydrate(START, START + WEEK, streams=streams)
        problems = [str(v.problem) for v in opened.lifecycle.verify(deep=True) if v.problem]
    assert len(problems) == 1
    assert "not the manifest that the ledger knows" in problems[0]
    # As the hint says.
    first.unlink()
    with archived.opened() as opened:
        assert [each.problem for each in opened.lifecycle.repair()] == [None]
        opened.lifecycle.rehydrate(START, START + WEEK, streams=streams)
    assert archived.read_all() == archived.truth


def test_a_forks_list_of_what_it_has_elsewhere(archived: Store, tmp_path: Path) -> None:
    own = (tmp_path / "fork").as_uri()
    with archived.opened(archive=own) as opened:
        opened.lifecycle.fork()
        assert opened.lifecycle.repair() == []
        [shared] = (tmp_path / "fork").rglob("shared-*.json")
        was = shared.read_bytes()
        shared.unlink()
        with pytest.raises(ArchiveCorrupt, match=r"shared-.*\.json is missing"):
            opened.lifecycle.rebuild()
        [done] = opened.lifecycle.repair()
        assert (done.result, done.messages) == ("written", len(archived.truth))
        assert shared.read_bytes() == was
        opened.lifecycle.rebuild()
        assert opened.lifecycle.repair() == []
