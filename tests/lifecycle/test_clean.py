"""What killed exports left in the archive goes; nothing that somebody may need does."""

from __future__ import annotations

import os
import time
from datetime import timedelta
from pathlib import Path

import pytest
from tests.fix_cli import Cli
from tests.history import END
from tests.lifecycle.conftest import Store

from coldstream.archive.storage.location import ArchiveLocation
from coldstream.errors import ArchiveCorrupt, ArchiveUnavailable

LEFT = "messages-" + "ab" * 32 + ".parquet"


@pytest.fixture
def archived(small: Store) -> Store:
    with small.opened() as opened:
        opened.lifecycle.archive(END)
        opened.lifecycle.verify()
        opened.lifecycle.drop(END)
    for file in small.files():
        aged(file)
    return small


def aged(file: Path, days: float = 3) -> Path:
    then = time.time() - days * 86_400
    os.utime(file, (then, then))
    return file


def left(folder: Path, name: str = LEFT, days: float = 3) -> Path:
    (folder / name).write_bytes(b"x" * 10)
    return aged(folder / name, days)


def test_what_no_manifest_names_goes(archived: Store) -> None:
    folder = archived.objects()[0].parent
    going = {
        left(folder),
        left(folder, LEFT + "#1"),
        left(folder, "_manifest-000002.json#3"),
        left(folder, LEFT.replace("parquet", "csv")),
    }
    staying = {
        left(folder, LEFT.replace("a", "8"), days=0.5),
        left(folder, "notes-of-somebody.txt"),
        left(folder.parent, LEFT),
        left(archived.folder, LEFT),
        *(file for file in archived.files() if file not in going),
    }
    with archived.opened() as opened:
        shown = opened.lifecycle.clean(dry_run=True)
        assert {archived.folder / info.key for info in shown} == going
        assert set(archived.files()) == going | staying
        assert opened.lifecycle.clean() == shown
        # But for the claim of this run.
        assert {file for file in archived.files() if file.parent.name != "_writers"} == {
            file for file in staying if file.parent.name != "_writers"
        }
        assert opened.lifecycle.clean() == []
    assert archived.read_all() == archived.truth


def test_an_export_that_was_killed_before_its_manifest(small: Store) -> None:
    create = ArchiveLocation.create

    def full(self: ArchiveLocation, key: str, data: bytes) -> None:
        if "manifest" in key:
            raise ArchiveUnavailable("killed here")
        create(self, key, data)

    with pytest.MonkeyPatch.context() as patch, small.opened() as opened:
        patch.setattr("coldstream.archive.storage.location.ArchiveLocation.create", full)
        with pytest.raises(ArchiveUnavailable):
            opened.lifecycle.archive(END)
    [orphan] = small.objects()
    with small.opened() as opened:
        assert opened.lifecycle.clean() == []
        aged(orphan)
        # An age, so that the export of somebody else that is at work is left alone.
        assert len(opened.lifecycle.clean(timedelta(days=4))) == 0
        assert len(opened.lifecycle.clean(timedelta(days=2))) == 1
        opened.lifecycle.archive(END)
        assert [each.problem for each in opened.lifecycle.verify()] == [None, None]


def test_what_the_ledger_knows_stays_without_its_manifest(archived: Store) -> None:
    for file in archived.files():
        if file.name.startswith("_manifest"):
            file.unlink()
    with archived.opened() as opened:
        assert opened.lifecycle.clean() == []
    assert archived.read_all() == archived.truth


def test_a_damaged_manifest_stops_nothing_but_its_own_range(archived: Store) -> None:
    first, *_, last = sorted({path.parent for path in archived.objects()})
    beside, elsewhere = left(first), left(last)
    manifest = first / "_manifest-000001.json"
    for damage in (manifest.read_bytes()[:-9], b"[" * 200_000):
        manifest.write_bytes(damage)
        elsewhere = left(last)
        with archived.opened() as opened, pytest.raises(ArchiveCorrupt, match="was left as it is"):
            opened.lifecycle.clean()
        assert beside.exists()
        assert not elsewhere.exists()


def test_the_command(archived: Store, cli: Cli) -> None:
    words = ["--dsn", archived.installed.dsn, "--schema", archived.installed.schema]
    words += ["--archive", archived.archive]
    assert "nothing to clean" in cli("archive", "clean", *words).out
    orphan = left(archived.objects()[0].parent)
    assert "would delete 1 files of 10 B" in cli("archive", "clean", "--dry-run", *words).out
    assert orphan.exists()
    [row] = cli("archive", "clean", "--json", *words).json
    assert row["key"].endswith(LEFT)
    assert not orphan.exists()
    assert cli("archive", "--older-than", "0d", *words).status == 0
