"""The benchmark's figures on a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.text import Text

from coldstream.cli.views.render import Column, console, render_table
from coldstream_bench.words import Table, about, tables


def show(report: Mapping[str, Any]) -> None:
    """Print a report: what it was measured on, the comparison, and the details."""
    for line in about(report):
        console().print(Text(line), soft_wrap=True)
    for table in tables(report):
        console().print()
        _show(table)


def _show(table: Table) -> None:
    columns = [Column(str(number), title) for number, title in enumerate(table.columns)]
    rows = [{str(number): cell for number, cell in enumerate(row)} for row in table.rows]
    render_table(table.title, columns, rows)
