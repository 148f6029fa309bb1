"""The command line, run in this process."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from coldstream.cli.run import run


@dataclass(frozen=True)
class Ran:
    """What a command printed, and its exit status."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it printed, as one JSON value."""
        assert self.status == 0, self.err
        return json.loads(self.out)


Cli = Callable[..., Ran]


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Cli:
    """Run a command by its words; ``stdin`` is what it reads. The environment names no store."""
    for name in [name for name in os.environ if name.startswith("COLDSTREAM_")]:
        monkeypatch.delenv(name)

    def cli(*words: str, stdin: str = "") -> Ran:
        monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
        capsys.readouterr()
        status = run(words)
        printed = capsys.readouterr()
        return Ran(status, printed.out, printed.err)

    return cli
