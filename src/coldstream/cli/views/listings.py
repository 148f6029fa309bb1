"""Streams and categories as tables."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from coldstream.cli.views.human import printable
from coldstream.cli.views.render import Column, Unit, render_table, write_json

if TYPE_CHECKING:
    from coldstream.client.listed import CategorySummary, StreamSummary

STREAMS = [
    Column("stream_name", "stream"),
    Column("messages", "messages", Unit.COUNT),
    Column("first_time", "first", Unit.TIME, aside=True),
    Column("last_time", "last", Unit.TIME),
    Column("tiers_in_words", "tiers", aside=True),
    Column("estimated_database_bytes", "~database", Unit.BYTES, aside=True),
    Column("estimated_archive_bytes", "~archive", Unit.BYTES, aside=True),
]
CATEGORIES = [
    Column("category", "category"),
    Column("streams", "streams", Unit.COUNT),
    Column("messages", "messages", Unit.COUNT),
    Column("last_time", "last", Unit.TIME),
    Column("first_time", "first", Unit.TIME, aside=True),
    Column("database_bytes", "database", Unit.BYTES, aside=True),
    Column("archive_bytes", "archive", Unit.BYTES, aside=True),
    Column("hot_messages", "hot", Unit.COUNT, aside=True),
    Column("warm_messages", "warm", Unit.COUNT, aside=True),
    Column("cold_messages", "cold", Unit.COUNT, aside=True),
]


def show_listing(
    title: str,
    columns: Sequence[Column],
    found: Sequence[StreamSummary | CategorySummary],
    limit: int,
    *,
    json: bool,
) -> None:
    """At most ``limit`` of them, and on stderr how to see the next page where there are more."""
    rows: list[dict[str, Any]] = [asdict(each) for each in found[:limit]]
    if json:
        write_json(rows)
    else:
        for row in rows:
            row["tiers_in_words"] = ", ".join(row.get("tiers", ()))
        render_table(title, columns, rows)
    if len(found) > limit:
        last = rows[-1][columns[0].key]
        print(f"there are more: --after {printable(last)}", file=sys.stderr)
