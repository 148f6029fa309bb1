"""The table of figures in README.md, from the benchmark's saved run.

``python tools/bench_reference.py`` writes it, with the benchmark's page; ``--check`` compares it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import beside  # noqa: F401
from coldstream_bench.words import digits, quantity, ratio

HEAD = "| | Message DB on PostgreSQL | Coldstream |\n|---|---:|---:|\n"
# What is saved, and then what it costs: a reader is told both in the same place.
LINES = {
    "a message in the columnstore, with its indexes": "storage.short.warm",
    "a message in the archive": "storage.short.archived",
    "removing a million messages": "retention.drop",
    "the price: single writes, one client": "write.one_client",
    "the price: reading a stream of 10 from the columnstore": "read.stream_10.warm",
}


def table(report: Mapping[str, Any]) -> str:
    """The table as Markdown.

    Raises:
        KeyError: the run has not measured one of its rows.
    """
    rows = {row["key"]: row for row in report["rows"]}
    return HEAD + "".join(_line(what, rows[key]) for what, key in LINES.items())


def _line(what: str, row: Mapping[str, Any]) -> str:
    # The line itself says that it is about a message.
    unit = row["unit"].removesuffix("/message")
    plain, ours = (
        f"{digits(row[side])} bytes" if unit == "bytes" else quantity(row[side], unit)
        for side in ("plain", "coldstream")
    )
    return f"| {what} | {plain} | {ours} ({ratio(row)}) |\n"


def with_table(text: str, report: Mapping[str, Any]) -> str:
    """README's text with the table of this run.

    Raises:
        ValueError: it has no such table.
    """
    before, head, rest = text.partition(HEAD)
    if not head:
        raise ValueError(f"README.md has no table that begins with {HEAD.splitlines()[0]}")
    _, end, after = rest.partition("\n\n")
    return before + table(report) + end.removeprefix("\n") + after
