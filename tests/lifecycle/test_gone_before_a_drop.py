"""What was verified may have left the archive since: it is not dropped then."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import NoReturn

import pytest
from tests.fix_cli import Cli
from tests.history import END
from tests.lifecycle.conftest import Store

from coldstream import ArchiveCorrupt, ArchiveUnavailable
from coldstream.archive.storage.location import ArchiveLocation
from coldstream.lifecycle import Policy


def _files(store: Store, suffix: str) -> list[Path]:
    return sorted(store.folder.rglob(f"*{suffix}"))


@pytest.fixture(params=["file", "manifest", "shorter"])
def damaged(store: Store, request: pytest.FixtureRequest) -> Store:
    """Verified, and then the first chunk's file or manifest is gone, or shorter."""
    with store.opened() as opened:
        opened.lifecycle.archive(END)
        opened.lifecycle.verify()
    if request.param == "manifest":
        _files(store, ".json")[0].unlink()
    elif request.param == "file":
        _files(store, ".parquet")[0].unlink()
    else:
        path = _files(store, ".parquet")[0]
        path.write_bytes(path.read_bytes()[:-1])
    return store


@pytest.mark.native
@pytest.mark.parametrize("verb", ["drop", "run"])
def test_that_chunk_stays_and_the_others_go(damaged: Store, verb: str) -> None:
    with damaged.opened() as opened:
        if verb == "drop":
            with pytest.raises(ArchiveCorrupt):
                opened.lifecycle.drop(END)
        else:
            day = timedelta(days=1)
            steps = opened.lifecycle.run(Policy(day, day, day))
            failed = [step for step in steps if step.outcome == "failed"]
            assert [(step.verb, type(step.problem)) for step in failed] == [
                ("drop", ArchiveCorrupt)
            ]
        states = damaged.states()
        assert sorted(set(states)) == ["dropped", "verified"]
        assert states.count("verified") == 1
        # Nothing is lost: what stays is archived again, and goes.
        opened.lifecycle.archive(END, again=True)
        opened.lifecycle.verify()
        opened.lifecycle.drop(END)
        assert set(damaged.states()) == {"dropped"}
        assert len(list(opened.get_all_messages())) == len(damaged.truth)


def test_a_dry_run_and_the_command_say_so(damaged: Store, cli: Cli) -> None:
    words = ["--older-than", END.isoformat(), "--dsn", damaged.installed.dsn]
    words += ["--schema", damaged.installed.schema, "--archive", damaged.archive]
    dry = cli("drop", *words, "--dry-run", "--json")
    assert dry.status == 1
    stays = [each["stays"] for each in json.loads(dry.out) if each["stays"]]
    assert stays == ["not in the archive as it was verified"]
    # How to have it again: the file from the rows, or its manifest from the file.
    assert "coldstream archive --again" in dry.err or "coldstream archive repair" in dry.err
    done = cli("drop", *words, "--yes")
    assert done.status == 1
    assert damaged.states().count("verified") == 1


def test_an_archive_that_cannot_be_asked_keeps_all(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(self: ArchiveLocation, key: str) -> NoReturn:
        raise ArchiveUnavailable("no route to the host")

    with store.opened() as opened:
        opened.lifecycle.archive(END)
        opened.lifecycle.verify()
        monkeypatch.setattr(ArchiveLocation, "head", refuses)
        with pytest.raises(ArchiveUnavailable):
            opened.lifecycle.drop(END, dry_run=True)
        with pytest.raises(ArchiveUnavailable):
            opened.lifecycle.drop(END)
    assert "dropped" not in store.states()
