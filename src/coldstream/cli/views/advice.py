"""Advice: a screen, or one JSON object."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from coldstream.cli.views.human import (
    human_bytes,
    human_count,
    human_duration,
    human_ratio,
    printable,
)
from coldstream.cli.views.render import Column, Unit, render_table, write_json

if TYPE_CHECKING:
    from coldstream.insights import Advice, Prices

_TIERS = [
    Column("tier", "tier"),
    Column("ages", "ages", aside=True),
    Column("messages", "messages", Unit.COUNT),
    Column("bytes", "bytes", Unit.BYTES),
    Column("as_rows", "as rows", Unit.BYTES),
]
_SOURCES = {"given": "given", "measured": "measured here", "benchmark": "the benchmark's"}


def show_advice(advice: Advice, prices: Prices | None, *, json: bool) -> None:
    """Print it."""
    if json:
        write_json(
            asdict(advice) | {"prices": None if prices is None else asdict(prices)},
        )
        return
    rates = advice.rates
    sources = {name: _SOURCES[source] for name, source in rates.sources.items()}
    print(
        f"{human_count(round(rates.messages_per_day))} messages a day "
        f"({sources.get('messages_per_day', 'given')}), "
        f"{human_bytes(rates.bytes_per_message)} each as rows "
        f"({sources.get('bytes_per_message', 'given')})"
    )
    print(
        f"columnstore {human_ratio(rates.columnstore_ratio)} smaller "
        f"({sources.get('columnstore_ratio', 'given')}), archive "
        f"{human_ratio(rates.archive_ratio)} ({sources.get('archive_ratio', 'given')})"
    )
    print()
    print(
        f"chunk interval {human_duration(advice.chunk_interval)}: "
        f"{human_bytes(advice.chunk_bytes)} as rows"
    )
    print(f"compress after {human_duration(advice.compress_after)}")
    print(f"archive and drop after {human_duration(advice.archive_after)}")
    interval, compress = _option(advice.chunk_interval), _option(advice.compress_after)
    archive = _option(advice.archive_after)
    print(
        f"  coldstream init --chunk-interval {interval}\n"
        f"  coldstream lifecycle set --compress-after {compress} --archive-after {archive} "
        f"--drop-after {archive}"
    )
    print()
    _show_tiers(advice, prices)
    print()
    print("# postgresql.conf, for a machine that is the database's alone")
    for setting in advice.settings:
        restart = "; needs a restart" if setting.needs_restart else ""
        print(f"{setting.name} = {setting.value}  # {setting.why}{restart}")
    for note in advice.notes:
        print()
        print(note)


def _show_tiers(advice: Advice, prices: Prices | None) -> None:
    columns = list(_TIERS)
    currency = "" if prices is None else printable(prices.currency)
    if prices is not None:
        columns.append(Column("cost", f"{currency} a month".strip()))
    rows: list[dict[str, Any]] = [
        {
            "tier": each.tier,
            "ages": f"{human_duration(each.age_from)} to {human_duration(each.age_to)}",
            "messages": each.messages,
            "bytes": each.bytes,
            "as_rows": each.as_rows,
            "cost": None if each.monthly_cost is None else f"{each.monthly_cost:,.2f}",
        }
        for each in advice.tiers
    ]
    total = {
        "tier": "all",
        "ages": human_duration(advice.keep),
        "messages": sum(each.messages for each in advice.tiers),
        "bytes": advice.bytes,
        "as_rows": advice.as_rows,
        "cost": None if advice.monthly_cost is None else f"{advice.monthly_cost:,.2f}",
    }
    render_table("Tiers, at most", columns, rows, total=total)
    if advice.rows_cost is not None:
        print(f"all of it in rows: {advice.rows_cost:,.2f} {currency} a month".replace("  ", " "))


def _option(length: Any) -> str:
    hours = round(length.total_seconds() / 3600)
    return f"{hours // 24}d" if hours % 24 == 0 else f"{hours}h"
