"""Ten weeks of deliveries: nine planned in the past and imported, the last one written now."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from uuid import UUID

from coldstream.client._sync import Client
from coldstream.demo.deliveries import Delivery
from coldstream.demo.proof import Fingerprint
from coldstream.messages.json import encode_json
from coldstream.messages.message import NewMessage
from coldstream.sql import query

WEEKS = 10
_PAST_WEEKS = WEEKS - 1
_IMPORT_BATCH = 100
_WRITE_BATCH = 25


@dataclass(frozen=True)
class Event:
    """A message that is to be written. ``position`` is the one it must get."""

    message: NewMessage
    position: int
    time: datetime
    """When the delivery was made."""


@dataclass
class Written:
    """What was written so far. ``times``: of each stream's messages, by position, as the store has
    them; ``payload_bytes``: of the JSON that was sent."""

    fingerprint: Fingerprint
    times: dict[str, list[datetime]]
    messages: int = 0
    payload_bytes: int = 0
    last_global_position: int = 0

    @classmethod
    def nothing(cls) -> Written:
        return cls(Fingerprint(), {})

    def add(self, event: Event, global_position: int, time: datetime) -> None:
        message = event.message
        self.fingerprint.add_sent(message, event.position, global_position)
        self.times.setdefault(message.stream_name, []).append(time)
        self.last_global_position = global_position
        self.messages += 1
        self.payload_bytes += len(message.data.encode())


def plan(deliveries: Sequence[Delivery], messages: int, now: datetime) -> Iterator[Event]:
    """``messages`` events over the ten weeks before ``now``, oldest first.

    First every delivery once, then copies with ids of their own, always in the deliveries' order.
    A quiet repository stays quiet: its delivery is not copied.
    """
    start = now - timedelta(weeks=WEEKS)
    positions: dict[str, int] = {}
    for number, delivery in enumerate(islice(_repeated(deliveries), messages)):
        time = start + timedelta(weeks=WEEKS) * (number / messages)
        position = positions.get(delivery.stream_name, -1) + 1
        positions[delivery.stream_name] = position
        id = _id_at(time)
        metadata = {"deliveryId": str(id)}
        if delivery.correlation_stream_name:
            metadata["correlationStreamName"] = delivery.correlation_stream_name
        message = NewMessage(delivery.stream_name, delivery.type, delivery.payload, metadata, id)
        yield Event(message, position, time)


def split(events: Sequence[Event], now: datetime) -> tuple[list[Event], list[Event]]:
    """The events of the past weeks, and those of the last one."""
    edge = now - timedelta(weeks=WEEKS - _PAST_WEEKS)
    return [e for e in events if e.time < edge], [e for e in events if e.time >= edge]


def import_events(
    store: Client, events: Sequence[Event], written: Written, advance: Callable[[int], None]
) -> None:
    """Insert events with the times they have, as an importing script does: rows into ``messages``,
    as the store's owner. ``advance`` gets the messages of each batch.

    Raises:
        Unavailable and what a store raises.
    """
    statement = query("import_messages", store.schema).encode()
    for batch in _batches(events, _IMPORT_BATCH):
        rows = [
            (
                event.position,
                event.time,
                event.message.stream_name,
                event.message.type,
                event.message.data,
                encode_json(event.message.metadata),
                event.message.id,
            )
            for event in batch
        ]
        # The store gives them their global positions.
        columns = [*(list(column) for column in zip(*rows, strict=True)), None]
        with store.connection() as connection:
            given = connection.execute(statement, columns).fetchall()
        for event, (global_position,) in zip(batch, given, strict=True):
            written.add(event, global_position, event.time)
        advance(len(batch))


def write_events(
    store: Client, events: Sequence[Event], written: Written, advance: Callable[[int], None]
) -> None:
    """Write events as any application does; the server gives positions and times.

    Raises:
        RuntimeError: a message got another position than the one that follows its stream.
        Unavailable and what ``write_messages`` raises.
    """
    for batch in _batches(events, _WRITE_BATCH):
        results = store.write_messages([event.message for event in batch])
        # The server's times, not the deliveries': a week that has just begun has no chunk but this.
        found = store.get_all_messages(results[0].global_position)
        times = {message.global_position: message.time for message in found}
        for event, result in zip(batch, results, strict=True):
            if result.position != event.position:
                raise RuntimeError(
                    f"{event.message.stream_name} got position {result.position}, "
                    f"not {event.position}"
                )
            written.add(event, result.global_position, times[result.global_position])
        advance(len(batch))


def _repeated(deliveries: Sequence[Delivery]) -> Iterator[Delivery]:
    yield from deliveries
    busy = [delivery for delivery in deliveries if not delivery.quiet]
    while True:
        yield from busy


def _id_at(time: datetime) -> UUID:
    """A UUIDv7 as a client made it at that time: ids that grow with time take few bytes."""
    milliseconds, random = round(time.timestamp() * 1000), secrets.randbits(74)
    high, low = random >> 62, random & (1 << 62) - 1
    return UUID(int=milliseconds << 80 | 7 << 76 | high << 64 | 2 << 62 | low)


def _batches(events: Sequence[Event], size: int) -> Iterator[Sequence[Event]]:
    return (events[start : start + size] for start in range(0, len(events), size))
