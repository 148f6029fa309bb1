"""A chunk that is archived as several files goes through the lifecycle as one with one does."""

from __future__ import annotations

from datetime import timedelta

import pytest
from psycopg.types.json import Jsonb
from tests.fix_cli import Cli
from tests.history import END, FILE_ROWS, START, WEEK
from tests.lifecycle.conftest import Store

from coldstream.archive.manifest.manifest import Manifest
from coldstream.settings import FORMATS, Format

FILES = "SELECT object, messages FROM archive_files ORDER BY range_start, number"


@pytest.fixture(params=FORMATS)
def format(request: pytest.FixtureRequest) -> Format:
    found: Format = request.param
    return found


@pytest.fixture
def archived(small: Store, format: Format) -> Store:
    """Two chunks, in the archive alone."""
    with small.opened() as opened:
        opened.lifecycle.archive(END, format=format, file_rows=FILE_ROWS)
        opened.lifecycle.verify()
        opened.lifecycle.drop(END)
    return small


def test_ledger_manifest_and_folder_say_the_same(archived: Store) -> None:
    files = archived.run(FILES)
    assert len(files) == 10
    assert max(messages for _, messages in files) <= FILE_ROWS
    assert sum(messages for _, messages in files) == len(archived.truth)
    assert {archived.folder / key for key, _ in files} == set(archived.objects())
    manifests = [Manifest.from_json(p.read_bytes()) for p in archived.folder.rglob("_manifest-*")]
    assert {key for m in manifests for key in m.keys} == {key for key, _ in files}
    with archived.opened() as opened:
        chunks = opened.lifecycle.get_chunks()[:2]
    assert sum(chunk.archive_files or 0 for chunk in chunks) == len(files)
    for chunk in chunks:
        folder = (archived.folder / str(chunk.archive_object)).parent
        sizes = [p.stat().st_size for p in archived.objects() if p.parent == folder]
        assert chunk.archive_bytes == sum(sizes)


def test_each_file_is_needed(archived: Store) -> None:
    with archived.opened() as opened:
        for path in archived.objects():
            whole = path.read_bytes()
            damaged = bytearray(whole)
            damaged[len(whole) // 2] ^= 1
            for change in (bytes(damaged), None):
                if change is None:
                    path.unlink()
                else:
                    path.write_bytes(change)
                for deep in (True, False):
                    found = opened.lifecycle.verify(again=True, deep=deep)
                    [problem] = [str(v.problem) for v in found if v.problem]
                    assert path.name in problem
                path.write_bytes(whole)
        assert [v.problem for v in opened.lifecycle.verify(again=True, deep=True)] == [None, None]


def test_back_in_the_database_and_out_again(archived: Store) -> None:
    before = archived.run(FILES), archived.files()
    with archived.opened() as opened:
        opened.lifecycle.rehydrate(START, START + WEEK, streams=["account-*"])
        assert list(opened.get_all_messages()) == archived.truth
        opened.lifecycle.rehydrate(START, END)
        assert list(opened.get_all_messages()) == archived.truth
        assert list(opened.get_all_messages(tiers="database")) == archived.truth
        opened.lifecycle.drop(END, kept=True)
        assert list(opened.get_all_messages()) == archived.truth
    assert (archived.run(FILES), archived.files()) == before


def test_what_a_killed_export_left_goes(small: Store, format: Format) -> None:
    """The files of an export that ends before its manifest, and none of those that are named."""
    with small.opened() as opened:
        opened.lifecycle.archive(END, format=format, file_rows=FILE_ROWS)
        named = set(small.files())
    before = small.run("SELECT jsonb_agg(to_jsonb(f)) FROM archive_files AS f")
    with small.opened() as opened:
        opened.lifecycle.archive(END, format=format, file_rows=FILE_ROWS + 1, again=True)
    for path in small.folder.rglob("_manifest-000002.json"):
        path.unlink()
    left = set(small.objects()) - named
    assert left
    small.run("DELETE FROM archive_files")
    small.run(
        "INSERT INTO archive_files SELECT f.* "
        "FROM jsonb_populate_recordset(NULL::archive_files, %s) AS f",
        [Jsonb(before[0][0])],
    )
    with small.opened() as opened:
        gone = {small.folder / info.key for info in opened.lifecycle.clean(timedelta(0))}
    assert gone == left
    # A run that writes to the archive says so there.
    assert {path for path in small.files() if path.parent.name != "_writers"} == {
        path for path in named if path.parent.name != "_writers"
    }


def test_exported_again_as_one_file(small: Store, format: Format) -> None:
    with small.opened() as opened:
        opened.lifecycle.archive(END, format=format, file_rows=FILE_ROWS)
    assert len(small.run(FILES)) == 10
    with small.opened() as opened:
        opened.lifecycle.archive(END, format=format, again=True)
        opened.lifecycle.verify()
        opened.lifecycle.drop(END)
    assert len(small.run(FILES)) == 2
    assert small.read_all() == small.truth


def test_the_environment_says_how_large(
    small: Store, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It tells the command line. A program is told nothing by it."""
    words = ["archive", "--older-than", "2025-12-01", "--archive", small.archive]
    words += ["--dsn", small.installed.dsn, "--schema", small.installed.schema]
    monkeypatch.setenv("COLDSTREAM_ARCHIVE_FILE_ROWS", "many")
    assert "COLDSTREAM_ARCHIVE_FILE_ROWS" in cli(*words).err
    with small.opened() as opened:
        opened.lifecycle.archive(END)
    assert len(small.run(FILES)) == 2
    monkeypatch.setenv("COLDSTREAM_ARCHIVE_FILE_ROWS", str(FILE_ROWS))
    assert cli(*words, "--again").status == 0
    assert len(small.run(FILES)) == 10
