"""One interface with two renderers: a table for people, JSON for programs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from pathlib import PurePath
from typing import IO, TYPE_CHECKING, Any
from uuid import UUID

from coldstream.cli.views.human import (
    NOTHING,
    human_bytes,
    human_count,
    human_duration,
    human_ratio,
    human_time,
    printable,
)

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table


class Unit(Enum):
    """What a value is, and so how people see it. JSON has it raw, in the unit named here."""

    TEXT = "text"
    NUMBER = "number"
    """A number of something unknown: shown as it is."""
    COUNT = "count"
    BYTES = "bytes"
    SECONDS = "seconds"
    """A number, or a ``timedelta``."""
    RATIO = "ratio"
    TIME = "time"
    """A ``datetime``; JSON has ISO 8601."""


_HUMAN: dict[Unit, Callable[[Any], str]] = {
    Unit.TEXT: lambda value: printable(str(value)),
    Unit.NUMBER: str,
    Unit.COUNT: human_count,
    Unit.BYTES: human_bytes,
    Unit.SECONDS: human_duration,
    Unit.RATIO: human_ratio,
    Unit.TIME: human_time,
}
_LEFT = {Unit.TEXT, Unit.TIME}


@dataclass(frozen=True)
class Column:
    """``key`` is the name in a row and in JSON, ``title`` the heading of the table. ``aside``: a
    terminal that has no room for all columns goes without it, the last such column first."""

    key: str
    title: str
    unit: Unit = Unit.TEXT
    aside: bool = False

    def human(self, value: Any) -> str:
        return NOTHING if value is None else _HUMAN[self.unit](value)


def render_table(
    title: str,
    columns: Sequence[Column],
    rows: Iterable[Mapping[str, Any]],
    *,
    json: bool = False,
    total: Mapping[str, Any] | None = None,
    records: bool = False,
) -> None:
    """Print ``rows`` to stdout, as a table under ``title`` or as a JSON array of objects.

    Both have the columns' values in the columns' order; a row must hold every one (``None``: not
    known). ``total`` is a last line of the table alone, and may leave columns out. ``records``: on
    a terminal that is too narrow for the table, a row is a line for each of its values.
    """
    if json:
        write_json([{column.key: row[column.key] for column in columns} for row in rows])
        return
    from rich.text import Text

    rows = list(rows)
    out = console()
    if not rows:
        out.print(Text(f"{title}: none"))
        return
    left_out: list[Column] = []
    while _width(table := _table(columns, rows, total), out) > out.width:
        if records:
            for number, row in enumerate(rows, 1):
                render_record(
                    f"{title} {human_count(number)} of {human_count(len(rows))}", columns, row
                )
            return
        if not (aside := [column for column in columns if column.aside]):
            break
        left_out.append(aside[-1])
        columns = [column for column in columns if column is not aside[-1]]
    # Not the table's own title, which is folded at the width of the table.
    out.print(Text(title, style="bold"))
    out.print(table)
    if left_out:
        names = ", ".join(column.title for column in reversed(left_out))
        print(f"no room for: {names} (--json has all)", file=sys.stderr)


def _table(
    columns: Sequence[Column],
    rows: Sequence[Mapping[str, Any]],
    total: Mapping[str, Any] | None,
) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
    )
    for column in columns:
        table.add_column(
            Text(column.title),
            justify="left" if column.unit in _LEFT else "right",
            overflow="fold",
        )
    for row in rows:
        table.add_row(*(Text(column.human(row[column.key])) for column in columns))
    if total is not None:
        table.add_section()
        table.add_row(
            *(Text(c.human(total[c.key]) if c.key in total else "") for c in columns), style="bold"
        )
    return table


def _width(table: Table, out: Console) -> int:
    """What the table takes where nothing of it is folded."""
    return table.__rich_measure__(out, out.options.update(max_width=10_000)).maximum


def render_record(
    title: str, columns: Sequence[Column], row: Mapping[str, Any], *, json: bool = False
) -> None:
    """Print one thing to stdout: a line for each of its values, or one JSON object."""
    if json:
        write_json({column.key: row[column.key] for column in columns})
        return
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 2))
    for column in columns:
        table.add_row(Text(f"  {column.title}"), Text(column.human(row[column.key])))
    console().print(Text(title, style="bold"))
    console().print(table)


def write_json(value: Any) -> None:
    """Print ``value`` to stdout as JSON, without loss and in one piece."""
    import simplejson

    sys.stdout.write(
        simplejson.dumps(value, indent=2, ensure_ascii=False, use_decimal=True, default=_raw) + "\n"
    )


def write_json_line(value: Any) -> None:
    """Print ``value`` to stdout as JSON in one line."""
    import simplejson

    sys.stdout.write(
        simplejson.dumps(value, ensure_ascii=False, use_decimal=True, default=_raw) + "\n"
    )


def _raw(value: object) -> Any:
    match value:
        case datetime():
            utc = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
            return utc.isoformat()
        case timedelta():
            return value.total_seconds()
        case UUID() | PurePath():
            return str(value)
        case _:
            raise TypeError(f"{type(value).__name__} has no JSON form here")


def console(file: IO[str] | None = None) -> Console:
    """A console on stdout, or on ``file``: plain, and as wide as its lines, unless a terminal."""
    from rich.console import Console

    file = file or sys.stdout
    # Rich takes 80 columns where there is no terminal, and would fold what another program reads.
    return Console(file=file, width=None if file.isatty() else 10_000, highlight=False)
