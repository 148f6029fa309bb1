"""A store at a glance: one screen, or one JSON object."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from coldstream.cli.views.human import (
    human_bytes,
    human_count,
    human_duration,
    human_time,
    printable,
)
from coldstream.cli.views.render import Column, Unit, console, render_table, write_json

if TYPE_CHECKING:
    from coldstream.insights import Status

_TIERS = [
    Column("tier", "tier"),
    Column("chunks", "chunks", Unit.COUNT),
    Column("messages", "messages", Unit.COUNT),
    Column("bytes", "bytes", Unit.BYTES),
    Column("as_rows", "as rows", Unit.BYTES, aside=True),
    Column("range", "time", aside=True),
]
_CONSUMERS = [
    Column("consumer", "consumer"),
    Column("source", "reads"),
    Column("lag_messages", "behind", Unit.COUNT),
    Column("lag_seconds", "for", Unit.SECONDS),
    Column("at_work", "at work"),
    Column("failures", "not handled", Unit.COUNT, aside=True),
]
_STEPS = ("compress", "archive", "verify", "drop")
_SHOWN = 12  # consumers


def show_status(status: Status, *, json: bool) -> None:
    """Print it. What is wrong comes first."""
    if json:
        write_json(asdict(status) | {"is_healthy": status.is_healthy})
        return
    from rich.text import Text

    out = console()
    server = status.server
    name = f"TimescaleDB {server.timescaledb} ({server.edition}) on " if server.timescaledb else ""
    standby = ", a standby" if server.is_standby else ""
    out.print(Text(f"{status.schema}: {name}PostgreSQL {server.postgresql}{standby}"))
    for finding in status.findings:
        style = "bold red" if finding.level == "error" else "yellow"
        out.print(Text(f"{finding.level}: {printable(finding.what)}", style=style))
        out.print(Text(f"  {printable(finding.why)}: {printable(finding.mend)}"))
    if not status.findings:
        out.print(Text("nothing is wrong", style="green"))
    out.print()
    _show_tiers(status)
    _show_lifecycle(status)
    _show_consumers(status)


def _show_tiers(status: Status) -> None:
    rows: list[dict[str, Any]] = []
    for each in status.tiers:
        first = human_time(each.first_time)[:10] if each.first_time else None
        last = human_time(each.last_time)[:10] if each.last_time else None
        rows.append(
            {
                "tier": each.tier,
                "chunks": each.chunks,
                "messages": each.messages,
                "bytes": each.bytes,
                "as_rows": each.as_rows,
                "range": f"{first} to {last}" if first and last else None,
            }
        )
    total = {
        "tier": "all",
        "chunks": sum(each.chunks for each in status.tiers),
        "messages": sum(each.messages or 0 for each in status.tiers),
        "bytes": sum(each.bytes for each in status.tiers),
        "as_rows": sum(each.as_rows or each.bytes for each in status.tiers),
    }
    render_table("Tiers", _TIERS, rows, total=total if len(rows) > 1 else None)
    known = status.streams
    streams = "streams not counted yet" if known is None else f"about {human_count(known)} streams"
    print(f"{streams}; their heads take {human_bytes(status.heads_bytes)}")


def _show_lifecycle(status: Status) -> None:
    lifecycle = status.lifecycle
    if status.engine != "timescale":
        return
    ages = {
        "compress": lifecycle.compress_after,
        "archive": lifecycle.archive_after,
        "drop": lifecycle.drop_after,
    }
    policy = ", ".join(f"{step} after {_age(age)}" for step, age in ages.items())
    print(f"policy: {policy}")
    due = [f"{lifecycle.due[step]} to {step}" for step in _STEPS if lifecycle.due.get(step)]
    print(f"due: {', '.join(due) if due else 'nothing'}")
    if lifecycle.last:
        state, at = max(lifecycle.last.items(), key=lambda item: item[1])
        print(f"last step: a chunk became {state} at {human_time(at)}")
    if lifecycle.oldest_proof is not None:
        ago = status.server.time - lifecycle.oldest_proof
        print(f"archive: {status.archive}, every part proved within {human_duration(ago)}")


def _age(age: timedelta | None) -> str:
    return "never" if age is None else human_duration(age)


def _show_consumers(status: Status) -> None:
    if not status.consumers:
        return
    furthest = sorted(status.consumers, key=lambda each: -each.lag_messages)
    rows = [
        {
            "consumer": each.consumer if each.size == 1 else f"{each.consumer} ({each.member})",
            "source": each.source or "everything",
            "lag_messages": each.lag_messages,
            "lag_seconds": each.lag_seconds if each.lag_messages else None,
            "at_work": "paused" if each.is_paused else "yes" if each.has_owner else "no",
            "failures": each.failures,
        }
        for each in furthest[:_SHOWN]
    ]
    render_table("Consumers", _CONSUMERS, rows)
    if len(furthest) > _SHOWN:
        print(f"{len(furthest) - _SHOWN} more: coldstream consumers")
