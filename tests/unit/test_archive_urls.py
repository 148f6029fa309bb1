"""What an archive URL may be: it is kept in the database, and names the place of the only copy."""

from __future__ import annotations

from pathlib import Path

import pytest

from coldstream.archive.storage.location import ArchiveLocation
from coldstream.archive.storage.urls import checked_url
from coldstream.errors import ArchiveUnavailable

SECRET = "S3cr3t"


@pytest.mark.parametrize(
    ("url", "meant"),
    [
        ("s3:/archive/shop", "s3://archive/shop"),
        ("s3:archive/shop", "s3://archive/shop"),
        ("file:/folder", "file:///folder"),
        ("my-bucket/events", "s3://my-bucket/events"),
        ("./archive", "file:///"),
        ("../archive", "file:///"),
        ("~/archive", "file:///"),
        ("archive", "s3://archive"),
    ],
)
def test_no_scheme(url: str, meant: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ArchiveUnavailable, match="no archive URL") as caught:
        ArchiveLocation.open(url)
    assert meant in f"{caught.value.hint}"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "url",
    [
        f"s3://AKID:{SECRET}@archive/p",
        f"s3://{SECRET}@archive/p",
        f"s3://AKID:{SECRET}?x@archive/p",
        f"s3://AKID:{SECRET}/x@archive/p",
        f"s3://archive/p?token={SECRET}",
        f"s3://archive/p#{SECRET}",
        f"az://container/p?sig={SECRET}",
        f"gs://u:{SECRET}@bucket",
        f"https://u:{SECRET}@host/p",
        f"memory://x?{SECRET}",
        f"file:///folder?{SECRET}",
        f"file:///folder#{SECRET}",
        f"file://u:{SECRET}@localhost/folder",
        f"abfss://container:{SECRET}@account.dfs.core.windows.net/p",
        f"s3:/AKID:{SECRET}@archive/p",
        f"archive?token={SECRET}",
    ],
)
def test_secrets_are_refused_and_not_shown(url: str) -> None:
    with pytest.raises(ArchiveUnavailable) as caught:
        ArchiveLocation.open(url)
    assert SECRET not in str(caught.value) + f"{caught.value.hint}"


def test_a_folder_keeps_its_name(tmp_path: Path) -> None:
    folder = tmp_path / "a ?#%40 b"
    location = ArchiveLocation.open(folder.as_uri())
    location.create("key", b"1")
    assert (folder / "key").read_bytes() == b"1"
    assert checked_url(str(folder)) == location.url == folder.as_uri()


def test_what_names_one_place_is_one_url() -> None:
    assert checked_url("s3://bucket/a/") == checked_url("s3://bucket/a")
    assert checked_url("file:///a/b/") == checked_url("/a/b") == "file:///a/b"
