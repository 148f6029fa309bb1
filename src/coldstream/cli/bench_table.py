"""The benchmark's figures as people read them."""

from __future__ import annotations

from typing import Any

from coldstream.bench.report import Report
from coldstream.bench.result import Compare, Figure, Unit
from coldstream.cli.render import Column, console, render_table

COLUMNS = (
    Column("title", "What"),
    Column("plain", "PostgreSQL"),
    Column("coldstream", "Coldstream"),
    Column("ratio", "Ratio"),
    Column("target", "Target"),
)


def show(report: Report) -> None:
    """Print the tables: one for each section, in the order of the figures."""
    sections: dict[str, list[Figure]] = {}
    for figure in report.figures:
        sections.setdefault(figure.row.section, []).append(figure)
    for section, figures in sections.items():
        console().print()
        render_table(section, COLUMNS, [line(figure) for figure in figures])


def line(figure: Figure) -> dict[str, Any]:
    """One line of the table."""
    row = figure.row
    return {
        "title": row.title,
        "plain": figure.note
        if figure.value is None
        else value(figure.plain, row.unit) + (f" ({row.against})" if row.against else ""),
        "coldstream": value(figure.value, row.unit),
        "ratio": ratio(figure),
        "target": target(figure),
    }


def value(number: float | None, unit: Unit) -> str:
    """A value in its unit; three digits."""
    if number is None:
        return "-"
    if unit is Unit.BYTES:
        from coldstream.cli.human import human_bytes

        return human_bytes(number)
    text = f"{number:,.0f}" if number >= 100 else f"{number:.3g}"
    return f"{text} {unit.value}"


def ratio(figure: Figure) -> str:
    """``0.93 times the rate``; ``-`` where there is none."""
    if figure.ratio is None:
        return "-"
    text = f"{figure.ratio:,.0f}" if figure.ratio >= 100 else f"{figure.ratio:.3g}"
    return f"{text} {figure.row.compare.value}"


def target(figure: Figure) -> str:
    """``>= 0.9: met``; nothing where there is none."""
    row = figure.row
    if row.target is None:
        return ""
    less = row.compare in (Compare.TIME, Compare.GROWTH) or (
        row.compare is Compare.LIMIT and row.unit is not Unit.RATE
    )
    told = {True: "met", False: "missed", None: "not measured"}[figure.met]
    return f"{'<=' if less else '>='} {row.target:g}: {told}"
