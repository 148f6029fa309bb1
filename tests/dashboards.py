"""A dashboard on a store that is made up: what its pages refuse and escape needs no server."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

from coldstream.client.listed import CategorySummary, StreamSummary
from coldstream.consumers.registered import ConsumerFailure, ConsumerMember
from coldstream.dashboard.context import Context
from coldstream.dashboard.sessions import Sessions
from coldstream.errors import ConsumerError
from coldstream.insights.findings import find
from coldstream.insights.status import (
    ConsumerStatus,
    LifecycleStatus,
    ServerStatus,
    Status,
    TierStatus,
)
from coldstream.lifecycle import Chunk, Step, Transition
from coldstream.messages.message import Message
from coldstream.store import Store

READ, ACT = "a token that reads", "a token that acts"
EVIL = "<script>document.title='taken'</script><img src=x onerror=alert(1)>\"'"
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
STREAM = f"account-{EVIL}"
ID = UUID("11111111-1111-4111-8111-111111111111")


class MadeUpStore:
    """What the pages ask a store for, and what they told it to do in ``done``."""

    schema = "made_up"

    def __init__(self, chunks: int = 3) -> None:
        self.done: list[tuple[Any, ...]] = []
        self.chunks = chunks
        self.consumers = self
        self.lifecycle = self
        self._connections = SimpleNamespace(rows=self._rows)

    def _rows(self, name: str, arguments: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        begin = NOW - timedelta(days=self.chunks)
        match name:
            case "timeline_now":
                return [(NOW, 4000)]
            case "timeline_chunks":
                return [
                    self._chunk(begin + timedelta(days=n), n / self.chunks)
                    for n in range(self.chunks)
                ]
            case "storage_history":
                return [(NOW, 100, 0, 0, 100), (NOW + timedelta(hours=1), -100, 20, 0, 0)]
            case "status_of_store":
                return [("timescale",)]
            case "position_of_id" | "message_of_time":
                return []
        raise AssertionError(name)

    def _chunk(self, start: datetime, age: float) -> tuple[Any, ...]:
        end = start + timedelta(days=1)
        rows = 1_000_000 + int(age * 500_000)
        sizes: tuple[int | None, ...] = (rows, None, None)
        state, tier = "closed", "hot"
        if age < 0.6:
            state, tier, sizes = "dropped", "cold", (rows, rows // 3, rows // 10)
        elif age < 0.95:
            state, tier, sizes = "compressed", "warm", (rows, rows // 3, None)
        return (start, end, state, tier, 1000, 1, 1000, *sizes, None, None, None)

    def status(self) -> Status:
        made = Status(
            self.schema,
            "timescale",
            "0",
            ServerStatus("17.1", "2.28.3", "timescale", False, NOW),
            f"file:///{EVIL}",
            False,
            2,
            4000,
            1000,
            [TierStatus("hot", 3, 4000, 5000, 9000, NOW, NOW)],
            LifecycleStatus(timedelta(days=1), None, None, {"compress": 1}, {}, {}, None),
            [ConsumerStatus(EVIL, 0, 1, "account", 1, 7, 8.0, False, True, 1)],
            [],
        )
        made.findings.extend(find(made))
        return made

    def get_streams(self, prefix: str = "", limit: int = 1, after: str = "") -> list[StreamSummary]:
        found = [
            StreamSummary(name, 1, 2, NOW, NOW, ["cold", "hot"], 100, 10)
            for name in (STREAM, "order-1")
            if name.startswith(prefix) and name > after
        ]
        return found[:limit]

    def get_categories(
        self, prefix: str = "", limit: int = 1, after: str = ""
    ) -> list[CategorySummary]:
        made = CategorySummary(EVIL, 1, 4, NOW, NOW, 1, 1, 1, 1, 0, 5, 5)
        return [made] if EVIL.startswith(prefix) else []

    def _message(self, position: int) -> Message:
        metadata = {
            "correlationStreamName": STREAM,
            "causationMessageStreamName": STREAM,
            "causationMessagePosition": 0,
        }
        return Message(
            ID, STREAM, EVIL, position, 7, json.dumps({"secret": EVIL}), json.dumps(metadata), NOW
        )

    def get_stream_messages(self, name: str, position: int, batch: int) -> Iterator[Message]:
        return iter([self._message(n) for n in range(position, 2)])

    def get_all_messages(self, position: int, batch_size: int) -> Iterator[Message]:
        return iter([self._message(1)] if position <= 7 else [])

    def get_consumers(self) -> list[ConsumerMember]:
        return [
            ConsumerMember(EVIL, 0, 1, "account", 9, 7, 8.0, EVIL, None, None, 0, False, 1, NOW)
        ]

    def get_failures(self, consumer: str | None, most: int) -> list[ConsumerFailure]:
        made = ConsumerFailure(5, NOW, EVIL, 0, ID, STREAM, EVIL, 1, 7, 3, EVIL, None)
        return [made] if consumer in (None, EVIL) else []

    def reset(self, consumer: str, position: int) -> int:
        self.done.append(("reset", consumer, position))
        return 1

    def pause(self, consumer: str) -> int:
        if consumer != EVIL:
            raise ConsumerError(f"There is no consumer {consumer}")
        self.done.append(("pause", consumer))
        return 1

    def get_transitions(self, limit: int) -> list[Transition]:
        return [
            Transition(NOW, NOW, NOW, "open", "closed", EVIL, EVIL, None, 1, 2, 0.1),
        ]

    def run(self, *, dry_run: bool = False, planned: Any = None) -> list[Step]:
        if not dry_run:
            self.done.append(("run", planned))
            return []
        chunk = Chunk(
            None, NOW, NOW, "hot", "closed", False, 5, 1, 5, 1, None, None, None, None, None
        )
        return [Step(chunk, "compress")]

    def verify(self, *, again: bool, sample: float | None) -> list[Any]:
        self.done.append(("verify", sample))
        return []


def made_up(
    store: MadeUpStore | None = None, *, show_bodies: bool = False, acts: bool = True
) -> Context:
    store = store or MadeUpStore()
    return Context(
        cast(Store, store),
        Sessions(READ, ACT if acts else None),
        lambda _, progress: cast(Any, store),
        show_bodies=show_bodies,
        may_act=acts,
    )
