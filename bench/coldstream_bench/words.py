"""A report in words: the same tables for the terminal, the HTML page and the docs.

Made from the report's JSON, so what was saved can be shown again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Figures = Mapping[str, Any]
"""One row of the report's JSON."""
NOTHING = "-"
_SIZES = ((1e9, "GB"), (1e6, "MB"), (1e3, "kB"), (1, "B"))


@dataclass(frozen=True)
class Table:
    """Cells of text under a title. The first column is text, the others are figures."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


def tables(report: Mapping[str, Any]) -> list[Table]:
    """The comparison first, then a table for each section, in the order of the report."""
    sections: dict[str, list[Figures]] = {}
    for row in report["rows"]:
        sections.setdefault(row["section"], []).append(row)
    return [
        comparison(report),
        *(
            _growth(title, rows) if any(row["chunks"] for row in rows) else _details(title, rows)
            for title, rows in sections.items()
        ),
    ]


def comparison(report: Mapping[str, Any]) -> Table:
    """Feature by feature: plain PostgreSQL, and Coldstream."""
    rows = {row["key"]: row for row in report["rows"]}

    def cell(side: str, *keys: tuple[str, str]) -> str:
        found = [(rows[key], name) for key, name in keys if key in rows]
        return (
            ", ".join(
                _named(quantity(row[side], row["unit"]), name)
                + (f" ({ratio(row)})" if side == "coldstream" and row["ratio"] else "")
                for row, name in found
                if row[side] is not None
            )
            or NOTHING
        )

    def line(feature: str, plain: Sequence[tuple[str, str]], *ours: tuple[str, str]) -> list[str]:
        return [feature, cell("plain", *plain), cell("coldstream", *ours)]

    return Table(
        "Compared with Message DB on plain PostgreSQL",
        ["Feature", "PostgreSQL", "Coldstream"],
        [
            line(
                "Write Performance",
                [("write.one_client", "")],
                ("write.one_client", "one client"),
                ("write.8_clients_8_categories", "8 clients"),
                ("write.batch_100", "100 a call"),
            ),
            line(
                "Stream Read",
                [("read.stream_10.hot", "")],
                ("read.stream_10.hot", "hot"),
                ("read.stream_10.warm", "warm"),
                ("read.stream_10.archived", "archived"),
            ),
            line(
                "Category Read",
                [("read.category_middle.hot", "")],
                ("read.category_middle.hot", "hot"),
                ("read.category_middle.warm", "warm"),
                ("read.category_middle.archived", "archived"),
            ),
            line(
                "Storage Cost",
                [("storage.short.hot", "")],
                ("storage.short.warm", "warm"),
                ("storage.short.archived", "archived"),
            ),
            line(
                "Data Retention",
                [("retention.drop", "DELETE and VACUUM")],
                ("retention.drop", "drop a chunk"),
            ),
            ["S3 Tiering", "none", cell("coldstream", ("archive.rate", "archive"))],
            [
                "Operational Complexity",
                "PostgreSQL",
                "PostgreSQL, TimescaleDB, a schedule; a bucket for the archive",
            ],
        ],
    )


def _named(text: str, name: str) -> str:
    return f"{name}: {text}" if name else text


def _details(title: str, rows: Sequence[Figures]) -> Table:
    return Table(
        title,
        ["What", "PostgreSQL", "Coldstream", "Ratio", "Target"],
        [
            [
                _title(row),
                _plain(row),
                quantity(row["coldstream"], row["unit"]),
                ratio(row),
                target(row),
            ]
            for row in rows
        ],
    )


def _title(row: Figures) -> str:
    """What was measured, and what to know about it."""
    noted = row["coldstream"] is not None and row["note"]
    return f"{row['title']} ({row['note']})" if noted else str(row["title"])


def _plain(row: Figures) -> str:
    if row["coldstream"] is None:
        return row["note"] or NOTHING
    text = quantity(row["plain"], row["unit"])
    return f"{text} ({row['against']})" if row["against"] else text


def _growth(title: str, rows: Sequence[Figures]) -> Table:
    """Ours at each number of chunks, the others at the last."""
    chunks = next(row["chunks"] for row in rows if row["chunks"])
    counts = ["1 chunk" if count == 1 else f"{count:,} chunks" for count in chunks]
    lines = []
    for row in rows:
        series = row["series"] or {}
        ours = series.get("coldstream", [None] * len(chunks))
        last = [series[name][-1] if name in series else None for name in ("plain", "seed")]
        cells = [quantity(value, row["unit"]) for value in (*ours, *last)]
        what = row["title"] if series else f"{row['title']}: {row['note']}"
        lines.append([what, *cells, ratio(row), target(row)])
    others = [f"{name}, {counts[-1]}" for name in ("PostgreSQL", "Hypertable without heads")]
    return Table(title, ["What", *counts, *others, "Ratio", "Target"], lines)


def quantity(value: float | None, unit: str) -> str:
    """A value with its unit, in three digits."""
    if value is None:
        return NOTHING
    if unit == "bytes":
        size, name = next((s, n) for s, n in _SIZES if abs(value) >= s or s == 1)
        return f"{digits(value / size)} {name}"
    if unit == "s" and abs(value) < 1:
        return f"{digits(value * 1000)} ms"
    return f"{digits(value)} {unit}"


def digits(value: float) -> str:
    """Three digits, or all of a larger number."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def ratio(row: Figures) -> str:
    """``0.93 times the rate``."""
    return NOTHING if row["ratio"] is None else f"{digits(row['ratio'])} {row['ratio_is']}"


def target(row: Figures) -> str:
    """``>= 0.9: met``; empty where there is none."""
    if row["target"] is None:
        return ""
    told = {True: "met", False: "missed", None: "not measured"}[row["met"]]
    limit = quantity(row["target"], row["unit"]) if row["ratio_is"] == "limit" else row["target"]
    sign = "<=" if row["less_is_better"] else ">="
    return f"{sign} {limit if isinstance(limit, str) else format(limit, 'g')}: {told}"


def about(report: Mapping[str, Any]) -> list[str]:
    """Lines that say what it was measured on, and how."""
    versions, machine, options = report["versions"], report["machine"], report["options"]
    memory = machine["memory_bytes"]
    server = "the embedded server, for which the figures say nothing" if report["embedded"] else ""
    return [
        f"PostgreSQL {versions['postgresql']}, TimescaleDB {versions['timescaledb']}, "
        f"Coldstream {versions['coldstream']}, psycopg {versions['psycopg']}"
        + (f"; {server}" if server else ""),
        f"Client: {machine['cpu']}, {machine['cores']} cores, "
        + (f"{memory / 1e9:.0f} GB" if memory else "memory unknown")
        + f", {machine['system']}, Python {machine['python']}",
        f"{options['messages']:,} messages ({report['workload']}) to read and write, "
        f"{options['history']:,} a chunk to store, archive and drop, seed {options['seed']}, "
        f"{options['rounds']} rounds of {options['seconds']:g} s; begun {report['started']}, "
        f"took {report['seconds']:,.0f} s",
        "Settings: " + ", ".join(f"{k} {v}" for k, v in report["settings"].items()),
    ]
