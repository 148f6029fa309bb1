"""What a run gives: figures, and all that one must know to judge them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import psycopg

from coldstream._version import __version__
from coldstream_bench.context import Bench
from coldstream_bench.place import machine
from coldstream_bench.result import Figure


@dataclass(frozen=True)
class Report:
    """``about``: machine, versions, settings, sizes, seed, times."""

    about: dict[str, Any]
    figures: list[Figure]

    def to_json(self) -> dict[str, Any]:
        """All of it, for JSON."""
        return {**self.about, "rows": [figure.to_json() for figure in self.figures]}


def describe(bench: Bench, started: datetime) -> dict[str, Any]:
    """What a run was made with; to be called at its end."""
    server = bench.place.server
    return {
        "started": started.isoformat(timespec="seconds"),
        "seconds": round((datetime.now(UTC) - started).total_seconds(), 1),
        "versions": {
            "coldstream": __version__,
            "postgresql": server.postgresql,
            "timescaledb": server.timescaledb,
            "psycopg": psycopg.__version__,
        },
        "embedded": server.embedded,
        "machine": machine(),
        "settings": server.settings,
        "workload": bench.sample.name if bench.sample else "model",
        "options": asdict(bench.options),
    }
