"""Proving again what was proved before: by the bytes, or row by row; all of it, or a part."""

from __future__ import annotations

import json
from datetime import datetime

import pytest
from tests.archive_files import export_rows
from tests.fix_cli import Cli
from tests.history import START, WEEK
from tests.lifecycle.conftest import Store

from coldstream.archive.manifest.manifest import Manifest, sealed
from coldstream.archive.read import verify
from coldstream.archive.read.restore import archived_rows
from coldstream.archive.storage.location import ArchiveLocation
from coldstream.errors import ArchiveCorrupt, InvalidInput


@pytest.fixture
def archived(store: Store) -> Store:
    """Four of six chunks are verified and dropped; one is exported."""
    with store.opened() as opened:
        opened.lifecycle.archive(START + 4 * WEEK)
        opened.lifecycle.verify()
        opened.lifecycle.drop(START + 4 * WEEK)
        opened.lifecycle.archive(START + 5 * WEEK)
    return store


@pytest.fixture
def depths(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether each proof was deep."""
    seen: list[bool] = []
    proof = verify.verify_files

    def verify_files(location: ArchiveLocation, manifest: object, **options: object) -> None:
        seen.append(bool(options["deep"]))
        proof(location, manifest, **options)  # type: ignore[arg-type]

    monkeypatch.setattr("coldstream.lifecycle.verify.verify_files", verify_files)
    return seen


def test_the_first_proof_is_deep_and_later_ones_are_when_asked_for(
    archived: Store, depths: list[bool]
) -> None:
    with archived.opened() as opened:
        starts = [chunk.range_start for chunk in opened.lifecycle.get_chunks()]
        found = opened.lifecycle.verify(again=True)
        assert [each.problem for each in found] == [None] * 5
        assert depths == [False] * 4 + [True]
        depths.clear()
        assert len(opened.lifecycle.verify(deep=True)) == 5
        assert depths == [True] * 5
        depths.clear()
        assert opened.lifecycle.verify() == []
        middle: tuple[datetime, datetime] = (START + WEEK, START + 3 * WEEK)
        found = opened.lifecycle.verify(start=middle[0], end=middle[1])
        assert [each.chunk.range_start for each in found] == starts[1:3]
        assert len(opened.lifecycle.verify(sample=2)) == 2
        assert len(opened.lifecycle.verify(sample=99)) == 5
        assert len(opened.lifecycle.verify(sample=0.5)) == 3
        for sample in (0, -1, 0.0, 1.5):
            with pytest.raises(InvalidInput, match="No sample"):
                opened.lifecycle.verify(sample=sample)
        with pytest.raises(InvalidInput, match="without a time zone"):
            opened.lifecycle.verify(start=datetime(2025, 1, 1))


def test_bytes_that_changed_are_found_without_deep(archived: Store) -> None:
    file = archived.objects()[1]
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 4
    file.write_bytes(data)
    with archived.opened() as opened:
        problems = [each.problem for each in opened.lifecycle.verify(again=True)]
    assert [isinstance(each, ArchiveCorrupt) for each in problems] == [
        False, True, False, False, False,
    ]  # fmt: skip


HOSTILE = {
    "nested": b"[" * 200_000,
    "empty": b"",
    "another version": b'{"format_version": 2}',
    "huge": b'{"format_version": 3, "rows": 1' + b"0" * 5_000 + b"}",
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE)
def test_one_hostile_manifest_is_one_problem(archived: Store, data: bytes) -> None:
    archived.objects()[1].with_name("_manifest-000001.json").write_bytes(data)
    with archived.opened() as opened:
        problems = [each.problem for each in opened.lifecycle.verify(again=True)]
    assert [isinstance(each, ArchiveCorrupt) for each in problems] == [
        False, True, False, False, False,
    ]  # fmt: skip
    assert problems == [None, problems[1], None, None, None]


def test_a_manifest_that_leads_elsewhere_is_not_followed(archived: Store) -> None:
    """Sealed again, so that only what it says is wrong."""
    folder = archived.objects()[1].parent
    document = json.loads((folder / "_manifest-000001.json").read_bytes())
    del document["manifest_sha256"]
    document["files"][0]["key"] = "../secret.parquet"
    (folder / "_manifest-000001.json").write_bytes(sealed(document))
    with archived.opened() as opened:
        problem = opened.lifecycle.verify(again=True)[1].problem
        assert "not that of a file of this range" in str(problem)
        with pytest.raises(ArchiveCorrupt, match="not that of a file of this range"):
            opened.lifecycle.rehydrate(START + WEEK, START + 2 * WEEK)


def test_an_object_exchanged_with_its_manifest_is_found(archived: Store) -> None:
    """By one with the same rows and other bytes: its footer would not be the ledger's."""
    manifest = archived.objects()[0].with_name("_manifest-000001.json")
    location = ArchiveLocation.open(archived.archive)
    old = Manifest.from_json(manifest.read_bytes())
    new = export_rows(
        location, list(archived_rows(location, old)), schema=old.schema, chunk_name=old.chunk,
        range_start=old.range_start, range_end=old.range_end, format="csv", store_id=old.store_id,
    )  # fmt: skip
    manifest.write_bytes(new.to_json())
    with archived.opened() as opened:
        first = opened.lifecycle.verify(again=True)[0]
    assert isinstance(first.problem, ArchiveCorrupt)
    assert "not the manifest that the ledger knows" in str(first.problem)


def test_the_command(archived: Store, cli: Cli) -> None:
    words = ["--dsn", archived.installed.dsn, "--schema", archived.installed.schema]
    words += ["--archive", archived.archive, "--json"]
    assert len(cli("verify", "--sample", "20%", *words).json) == 1
    assert len(cli("verify", "--from", "2025-01-09", "--to", "2025-01-23", *words).json) == 2
    assert len(cli("verify", "--deep", *words).json) == 5
    assert cli("verify", *words).json == []
    nothing = cli("verify", "--from", "2030-01-01", *words[:-1])
    assert nothing.out == "nothing to verify: the archive has nothing of that time\n"
    for sample in ("0", "101%", "x", "-1"):
        refused = cli("verify", f"--sample={sample}", *words)
        assert refused.status == 2
        assert "is not a sample" in refused.err
