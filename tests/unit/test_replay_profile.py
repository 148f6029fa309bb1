"""The tool that takes a replay apart runs, over an archive of its own and over a given one."""

from __future__ import annotations

from pathlib import Path

import pytest

import replay_profile
from coldstream.archive.storage.location import ArchiveLocation


def test_it_prints_every_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(replay_profile, "MESSAGES", 3_000)
    assert replay_profile.main([]) == 0
    printed = capsys.readouterr().out
    assert "3,000 messages" in printed
    for part in ("decoding", "making messages", "in global order", "the replay, all of it"):
        assert part in printed
    replay_profile.made(ArchiveLocation.open(tmp_path.as_uri()))
    assert replay_profile.main([tmp_path.as_uri(), "--category", "account"]) == 0
    assert "3,000 messages" in capsys.readouterr().out
    assert replay_profile.main([tmp_path.as_uri(), "--category", "nowhere"]) == 1
