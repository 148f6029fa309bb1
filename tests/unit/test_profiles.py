"""Stores that have a name: one at a time, whole, and never mixed with what the environment says."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.fix_cli import Cli

from coldstream.cli import profiles
from coldstream.errors import InvalidInput

TWO = """
[production]
dsn = "postgresql://owner@db.example/app"
schema = "shop"
archive = "s3://bucket/events"
archive-option = { storage_class = "STANDARD_IA", server_side_encryption = "aws:kms" }

[staging]
dsn = "postgresql://owner:hidden@staging.example/app"
"""


@pytest.fixture
def written(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    def written(text: str, mode: int = 0o600) -> Path:
        path = tmp_path / "profiles.toml"
        path.write_text(text)
        path.chmod(mode)
        monkeypatch.setenv("COLDSTREAM_CONFIG", str(path))
        return path

    return written


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, object]]:
    """What a command would have opened."""
    found: list[dict[str, object]] = []

    def connect(dsn: str, **options: object) -> None:
        found.append({"dsn": dsn, **options})
        raise InvalidInput("no further")

    monkeypatch.setattr("coldstream.connect", connect)
    return found


def test_a_profile_is_a_whole_place(
    written: Callable[..., Path], opened: list[dict[str, object]], cli: Cli
) -> None:
    written(TWO)
    cli("chunks", "--profile", "production")
    cli("verify", "--profile", "production")
    cli("verify", "--profile", "staging")
    assert [(each["dsn"], each["schema"], each["archive"]) for each in opened] == [
        ("postgresql://owner@db.example/app", "shop", None),
        ("postgresql://owner@db.example/app", "shop", "s3://bucket/events"),
        ("postgresql://owner:hidden@staging.example/app", "message_store", None),
    ]
    assert opened[1]["archive_options"] == {
        "storage_class": "STANDARD_IA",
        "server_side_encryption": "aws:kms",
    }
    assert "COLDSTREAM_DSN" not in os.environ


def test_one_on_the_line_replaces_what_the_environment_says(
    written: Callable[..., Path],
    opened: list[dict[str, object]],
    cli: Cli,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The archive of one store with the database of another would be a store nobody meant."""
    written(TWO)
    monkeypatch.setenv("COLDSTREAM_DSN", "host=another")
    monkeypatch.setenv("COLDSTREAM_ARCHIVE", "s3://another/archive")
    cli("verify", "--profile", "staging")
    cli("verify", "--profile", "staging", "--archive", "file:///said")
    assert [each["archive"] for each in opened] == [None, "file:///said"]
    assert {each["dsn"] for each in opened} == {"postgresql://owner:hidden@staging.example/app"}
    assert os.environ["COLDSTREAM_DSN"] == "host=another"


def test_one_of_the_environment_says_it_alone(
    written: Callable[..., Path],
    opened: list[dict[str, object]],
    cli: Cli,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    written(TWO)
    monkeypatch.setenv("COLDSTREAM_PROFILE", "production")
    cli("chunks")
    assert [each["schema"] for each in opened] == ["shop"]
    monkeypatch.setenv("COLDSTREAM_ARCHIVE", "s3://another/archive")
    ran = cli("chunks")
    assert (ran.status, len(opened)) == (2, 1)
    assert "COLDSTREAM_PROFILE and COLDSTREAM_ARCHIVE both say" in ran.err
    cli("chunks", "--profile", "staging")
    assert len(opened) == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[a", "is not TOML"),
        ('dsn = "x"', "dsn stands in no profile"),
        ('[a]\nurl = "x"', "profile a has a key 'url'"),
        ("[a]\ndsn = 5", "profile a: dsn is no text"),
        ('[a]\nschema = "x"', "profile a has neither dsn nor archive"),
        ('[a]\ndsn = "x"\narchive-option = ["a=b c"]', "has a space in it"),
        (TWO, "No profile 'a' in .*profiles.toml"),
    ],
)
def test_what_is_wrong_is_said(
    written: Callable[..., Path], cli: Cli, text: str, message: str
) -> None:
    path = written(text)
    with pytest.raises(InvalidInput, match=message):
        profiles.use("a")
    assert cli("chunks", "--profile", "a").status == 2
    assert "--profile is empty" in cli("chunks", "--profile", "").err
    path.unlink()
    assert f"There is no {path}" in cli("chunks", "--profile", "a").err


@pytest.mark.skipif(os.name != "posix", reason="modes of files are POSIX's")
def test_a_secret_that_others_may_read_is_refused(written: Callable[..., Path], cli: Cli) -> None:
    written(TWO, 0o640)
    ran = cli("profiles")
    assert (ran.status, "profile staging has a secret" in ran.err) == (2, True)
    written(TWO.replace(":hidden", ""), 0o644)
    assert cli("profiles").status == 0


def test_they_are_listed_without_passwords(written: Callable[..., Path], cli: Cli) -> None:
    written(TWO)
    ran = cli("profiles", "--json")
    assert ran.json == [
        {
            "profile": "production",
            "database": "db.example/app",
            "schema": "shop",
            "archive": "s3://bucket/events",
        },
        {
            "profile": "staging",
            "database": "staging.example/app",
            "schema": "message_store",
            "archive": None,
        },
    ]
    assert "hidden" not in cli("profiles").out
