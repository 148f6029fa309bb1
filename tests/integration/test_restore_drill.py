"""The restore drill runs, on both engines, and notices what is lost."""

from __future__ import annotations

import json

import pytest
from proof import restore_drill

from coldstream.sql.objects import ENGINES


@pytest.mark.parametrize("engine", ENGINES)
def test_it_loses_nothing(engine: str, capsys: pytest.CaptureFixture[str]) -> None:
    status = restore_drill.main(["--engine", engine, "--messages", "1000", "--json"])
    printed = capsys.readouterr()
    if status == 2:
        pytest.skip(f"not covered here: {printed.err.splitlines()[-1]}")
    assert status == 0, printed.err
    assert {"base backup", "restore the dump", "recover to a point in time"} <= set(
        json.loads(printed.out)["seconds"]
    )


def test_what_is_lost_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    there = restore_drill.look

    def with_one_less(dsn: str) -> restore_drill.Truth:
        truth = there(dsn)
        if dsn.endswith("/clone"):
            return restore_drill.Truth("other", truth.messages - 1, truth.heads, truth.consumer)
        return truth

    monkeypatch.setattr(restore_drill, "look", with_one_less)
    status = restore_drill.main(["--engine", "postgres", "--messages", "100"])
    said = capsys.readouterr().err
    if status == 2:
        pytest.skip(f"not covered here: {said.splitlines()[-1]}")
    assert status == 1
    assert "LOST: the clone" in said
