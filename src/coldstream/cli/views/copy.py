"""How a copy from a Message DB is shown."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict

from coldstream.cli.views.human import human_count, human_duration
from coldstream.cli.views.progress import Step, step
from coldstream.cli.views.render import Column, Unit, render_record, render_table, write_json
from coldstream.copying import Copied, CopyPlan, OnProgress, Switched, Verified

_EVERY = 10.0

_PLAN = [
    Column("source", "source"),
    Column("messages", "messages", Unit.COUNT),
    Column("copied", "copied already", Unit.COUNT),
    Column("first_global_position", "first global position", Unit.NUMBER),
    Column("last_global_position", "last global position", Unit.NUMBER),
    Column("first_time", "first time", Unit.TIME),
    Column("last_time", "last time", Unit.TIME),
    Column("chunks", "chunks", Unit.COUNT),
    Column("source_bytes", "at the source", Unit.BYTES),
    Column("data_bytes", "data and metadata", Unit.BYTES),
    Column("row_bytes", "would take in rows", Unit.BYTES),
    Column("columnstore_bytes", "would take in the columnstore", Unit.BYTES),
    Column("is_indexed", "index by global position"),
    Column("messages_per_second", "messages a second", Unit.COUNT),
    Column("duration", "would take", Unit.SECONDS),
    Column("outside", "times that are not kept"),
]
_COPIED = [
    Column("source", "source"),
    Column("messages", "messages", Unit.COUNT),
    Column("last_global_position", "everything up to", Unit.NUMBER),
    Column("started_at", "begun", Unit.TIME),
    Column("opened_at", "open since", Unit.TIME),
    Column("opened_after", "written here after", Unit.NUMBER),
]
_VERIFIED = [
    Column("source_messages", "messages at the source", Unit.COUNT),
    Column("messages", "messages in the store", Unit.COUNT),
    Column("ranges", "ranges", Unit.COUNT),
    Column("source_digest", "digest of the source"),
    Column("digest", "digest of the store"),
    Column("is_equal", "equal"),
]
_DIFFERENCES = [
    Column("stream_name", "stream"),
    Column("after", "after", Unit.NUMBER),
    Column("last", "up to", Unit.NUMBER),
    Column("source_messages", "at the source", Unit.COUNT),
    Column("messages", "in the store", Unit.COUNT),
]


@contextmanager
def copying(what: str) -> Iterator[OnProgress]:
    """Progress of a copy: a bar on a terminal, and elsewhere a line every ten seconds with the rate
    and the time that is left."""
    with step(what, noun="messages") as running:
        yield _Lines(running)


class _Lines:
    def __init__(self, running: Step) -> None:
        self._running = running
        self._is_shown = sys.stderr.isatty()
        self._began = self._said = time.monotonic()
        self._first: int | None = None

    def __call__(self, what: str, done: int, total: int | None, /) -> None:
        now = time.monotonic()
        if what == "wait":
            text = f"waits for {done} transactions of the source that have written and not ended"
            if self._is_shown:
                self._running.part(text)
            else:
                print(f"copy {text}", file=sys.stderr, flush=True)
            return
        if self._first is None:
            self._first = done
        rate = (done - self._first) / max(now - self._began, 0.001)
        text = f"{human_count(round(rate))}/s"
        if what == "follow":
            text = f"{human_count((total or done) - done)} behind"
        elif total is not None and rate > 0:
            text += f", {human_duration(max(total - done, 0) / rate)} left"
        if self._is_shown:
            self._running.part(text)
        elif now - self._said >= _EVERY:
            self._said = now
            of = "" if total is None else f" of {human_count(total)}"
            print(f"{what}: {human_count(done)}{of} messages, {text}", file=sys.stderr, flush=True)
        self._running.to(done)


def show_plan(plan: CopyPlan, *, json: bool) -> None:
    row = asdict(plan) | {
        name: getattr(plan, name) for name in ("row_bytes", "columnstore_bytes", "duration")
    }
    if not json:
        outside = plan.outside
        row["is_indexed"] = "yes" if plan.is_indexed else "no: each step reads and sorts the rest"
        row["outside"] = (
            None
            if outside is None
            else f"{outside.messages}: {outside.first_time} to {outside.last_time}, the first at "
            f"global position {outside.first_global_position}"
        )
    render_record("Would be copied", _PLAN, row, json=json)
    if plan.outside is not None and not json:
        print("refused as it is: correct these times, or copy with --clamp-times", file=sys.stderr)


def show_copied(copied: Copied, *, json: bool) -> None:
    render_record("Copy", _COPIED, asdict(copied), json=json)
    if copied.opened_at is None and not json:
        print(
            "the store takes no writes until --switch or --open: they go to the source",
            file=sys.stderr,
        )


def show_switched(switched: Switched, *, back: bool, json: bool) -> None:
    """What a switch did, and what is to be changed in clients."""
    if json:
        verified = switched.verified
        write_json(
            {"refused_seconds": switched.refused_seconds, "copied": asdict(switched.copied)}
            | {"verified": None if verified is None else asdict(verified)}
        )
        return
    copied = switched.copied
    print(
        f"writers were refused for {human_duration(switched.refused_seconds)}; everything up to "
        f"{copied.last_global_position if back else copied.opened_after} is on both sides"
    )
    if back:
        print(f"the Message DB takes writes: {copied.source}")
        print("change in clients: the DSN, back to the one of the Message DB")
        return
    print("the store takes writes, and the Message DB refuses them")
    print("change in clients: the DSN, and the role; the functions, positions and ids are the same")
    print("the way back: coldstream copy-from --back, from now on")


def show_verified(verified: Verified, *, json: bool) -> None:
    row = asdict(verified) | {"is_equal": verified.is_equal}
    if json:
        write_json(row)
        return
    render_record("Compared", _VERIFIED, row | {"is_equal": "yes" if verified.is_equal else "no"})
    if verified.differences:
        render_table("Differences", _DIFFERENCES, [asdict(each) for each in verified.differences])
