"""A report as one HTML page that loads nothing."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from coldstream_bench.bars import bars_svg
from coldstream_bench.plot import growth_svg
from coldstream_bench.words import Table, about, tables

_STYLE = """
:root { color-scheme: light dark }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; margin: 1rem 0; display: block; overflow-x: auto }
th, td { padding: .3rem .8rem; text-align: right; border-bottom: 1px solid #8884 }
th:first-child, td:first-child { text-align: left }
thead th { border-bottom-width: 2px; vertical-align: bottom }
.met { color: #2e7d32 } .missed { color: #c62828 }
@media (prefers-color-scheme: dark) { .met { color: #81c784 } .missed { color: #ef9a9a } }
svg { max-width: 100%; height: auto }
.about { color: #777; font-size: .9rem }
"""


def html_page(report: Mapping[str, Any]) -> str:
    """The page of a report's JSON."""
    compared, *details = tables(report)
    parts = [
        '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width">',
        "<title>Coldstream: what it costs</title>",
        f"<style>{_STYLE}</style>",
        "<h1>What it costs</h1>",
        *(f'<p class="about">{escape(line)}</p>' for line in about(report)),
        _table(compared),
    ]
    if growth := growth_svg(report):
        parts += ["<h2>As chunks are added</h2>", growth]
    if bars := bars_svg(report):
        parts += ["<h2>Ratios to plain PostgreSQL</h2>", bars]
    parts += [_table(table) for table in details]
    return "\n".join(parts) + "\n</html>\n"


def _table(table: Table) -> str:
    head = "".join(f"<th>{escape(title)}</th>" for title in table.columns)
    rows = "\n".join("<tr>" + "".join(map(_cell, row)) + "</tr>" for row in table.rows)
    return (
        f"<h2>{escape(table.title)}</h2>\n<table><thead><tr>{head}</tr></thead>\n"
        f"<tbody>\n{rows}\n</tbody></table>"
    )


def _cell(text: str) -> str:
    for word in ("met", "missed"):
        if text.endswith(f": {word}"):
            return f'<td class="{word}">{escape(text)}</td>'
    return f"<td>{escape(text)}</td>"
