"""Consumers as people and programs see them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from coldstream.cli.views.render import Column, Unit, render_table, write_json

if TYPE_CHECKING:
    from coldstream.consumers import ConsumerFailure, ConsumerMember

_MEMBERS = [
    Column("consumer", "consumer"),
    Column("of_group", "member"),
    Column("reads", "reads"),
    Column("position", "position", Unit.NUMBER),
    Column("lag_messages", "lag", Unit.COUNT),
    Column("lag_seconds", "behind by", Unit.SECONDS),
    Column("state_in_words", "state"),
    Column("owner", "works for it"),
    Column("waiting", "waiting", Unit.COUNT),
    Column("failures", "failures", Unit.COUNT),
]
# What JSON has in values of its own.
_IN_WORDS = {"of_group", "reads", "state_in_words"}

_FAILURES = [
    Column("recorded_at", "when", Unit.TIME),
    Column("consumer", "consumer"),
    Column("message", "message"),
    Column("type", "type"),
    Column("attempts", "attempts", Unit.COUNT),
    Column("error", "error"),
    Column("dead_letter_stream", "written to"),
]


def source_in_words(source: str) -> str:
    """What a consumer reads; nothing said is everything."""
    return source or "everything"


def show_consumers(members: Iterable[ConsumerMember], *, json: bool = False) -> None:
    rows = [_row(member) for member in members]
    if json:
        write_json([{k: v for k, v in row.items() if k not in _IN_WORDS} for row in rows])
    else:
        render_table("Consumers", _MEMBERS, rows)


def show_failures(failures: Iterable[ConsumerFailure], *, json: bool = False) -> None:
    rows = [asdict(failure) for failure in failures]
    if json:
        write_json(rows)
        return
    for row in rows:
        row["message"] = f"{row['stream_name']} {row['position']}"
    render_table("Not handled, the newest first", _FAILURES, rows)


def show_reset(
    name: str, members: Iterable[ConsumerMember], position: int, *, done: bool, json: bool = False
) -> None:
    """Where each member was, and where it is, or would be."""
    rows = [
        {
            "consumer": name,
            "member": member.member,
            "size": member.size,
            "from": member.position,
            "to": position,
            "of_group": _of_group(member),
        }
        for member in members
    ]
    if json:
        write_json([{k: v for k, v in row.items() if k not in _IN_WORDS} for row in rows])
        return
    columns = [
        Column("consumer", "consumer"),
        Column("of_group", "member"),
        Column("from", "from", Unit.NUMBER),
        Column("to", "to", Unit.NUMBER),
    ]
    render_table("Reset" if done else "Would be reset", columns, rows)


def _row(member: ConsumerMember) -> dict[str, Any]:
    state = "stopped" if member.owner is None else "running"
    if member.is_paused:
        state = "paused"
    in_words = state
    if state == "running" and member.lease_until is not None:
        # One that was killed is believed to run for as long.
        left = (member.lease_until - datetime.now(UTC)).total_seconds()
        in_words = f"running, lease {max(left, 0):.0f} s"
    return {
        **asdict(member),
        "address": None if member.address is None else str(member.address),
        "of_group": _of_group(member),
        "reads": source_in_words(member.source),
        "state": state,
        "state_in_words": in_words,
    }


def _of_group(member: ConsumerMember) -> str | None:
    return None if member.size == 1 else f"{member.member} of {member.size}"
