"""The messages of the benchmark, from a model that can be looked at and a seed that repeats them.

The model, in order of what matters to a store:

- **Streams.** ``Shape.open_streams`` are open at once; each message goes to one of them,
  drawn at random, and a stream that has all its messages makes room for a new one. Its length is
  drawn when it opens: ``short`` 5 to 8, ``medium`` 12 to 20, ``long`` 40 to 80 messages; ``mixed``
  has a heavy tail (95 % short, 4.9 % 20 to 200 by a power law, 1 in 1,000 has 1,500). A stream is
  drawn once more for every 40 messages it will have: long ones are busier.
- **Categories.** Six, of uneven weight; with ``Shape.categories``, that many even ones (a
  category a tenant).
- **Bodies.** JSON of a shop's events: ids, names, amounts, ISO times, nested addresses, lines of an
  order; about 570 bytes with the metadata, as PostgreSQL prints them.
- **Metadata.** A command causes one message (half of them), two or three, of one stream and one
  after another. They have the command's stream, position and global position in their metadata, and
  a trace id; three commands in four have a ``correlationStreamName``.
- **Ids.** UUIDv7 as the client makes them, at the message's time; ``v4_share`` of them are v4.
- **Times.** Evenly from start to end, never back.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import NamedTuple, Protocol

from coldstream_bench.bodies import Bodies

CATEGORIES = {
    "account": 30,
    "order": 25,
    "payment": 20,
    "shipment": 12,
    "customer": 8,
    "invoice": 5,
}
"""The model's categories and how many streams in a hundred are theirs."""


class Event(NamedTuple):
    """A message with all that a store gives it but the global position. ``data`` and ``metadata``
    are JSON text."""

    id: str
    stream_name: str
    type: str
    position: int
    data: str | None
    metadata: str | None
    time: datetime


class Source(Protocol):
    """Where messages come from: the model, or a sample."""

    name: str

    def events(self, count: int, start: datetime, end: datetime) -> Iterator[Event]:
        """``count`` messages from ``start`` on and before ``end``, in the order of writing."""


@dataclass(frozen=True)
class Shape:
    """What streams look like. ``lengths``: short, medium, long or mixed."""

    name: str
    lengths: str = "mixed"
    open_streams: int = 500
    categories: int | None = None


SHORT = Shape("short streams (5-8)", "short")
MEDIUM = Shape("medium streams (12-20)", "medium")
LONG = Shape("long streams (40-80)", "long")
TENANTS = Shape("short streams in 10,000 categories", "short", categories=10_000)
MIXED = Shape("mixed streams")


class Model:
    """The model above; the same ``seed`` gives the same messages."""

    def __init__(self, shape: Shape, seed: int, *, v4_share: float = 0.0) -> None:
        self.name = shape.name
        self._shape = shape
        self._seed = seed
        self._v4_share = v4_share

    def events(self, count: int, start: datetime, end: datetime) -> Iterator[Event]:
        random = Random(f"{self._seed} {self._shape}")
        # A stream is in it once as itself, and more often if it is busy.
        pool: list[tuple[_Stream, bool]] = []
        stream: _Stream | None = None
        waiting = self._shape.open_streams
        step = (end - start) / count
        for number in range(count):
            if stream is None or not stream.bodies.unfinished or stream.position == stream.length:
                waiting -= 1
                stream = self._open(random, pool) if waiting >= 0 else self._draw(random, pool)
            time = start + number * step
            type, data, metadata = stream.bodies.message(random, stream.position, number, time)
            v4 = self._v4_share > 0 and random.random() < self._v4_share
            id = random_uuid(random) if v4 else uuid7_at(random, time)
            yield Event(id, stream.name, type, stream.position, data, metadata, time)
            stream.position += 1

    def _draw(self, random: Random, pool: list[tuple[_Stream, bool]]) -> _Stream:
        while True:
            index = int(random.random() * len(pool))
            stream, itself = pool[index]
            if stream.position < stream.length:
                return stream
            pool[index] = pool[-1]
            pool.pop()
            if itself:
                return self._open(random, pool)

    def _open(self, random: Random, pool: list[tuple[_Stream, bool]]) -> _Stream:
        if self._shape.categories:
            category = f"tenant{random.randrange(self._shape.categories):05d}"
        else:
            category = random.choices(list(CATEGORIES), list(CATEGORIES.values()))[0]
        stream = _Stream(f"{category}-{random_uuid(random)}", self._length(random))
        pool.append((stream, True))
        pool.extend([(stream, False)] * (stream.length // 40))
        return stream

    def _length(self, random: Random) -> int:
        match self._shape.lengths:
            case "short":
                return random.randint(5, 8)
            case "medium":
                return random.randint(12, 20)
            case "long":
                return random.randint(40, 80)
        luck = random.random()
        if luck < 0.001:
            return 1500
        if luck < 0.05:
            return min(200, int(20 * random.paretovariate(1.2)))
        return random.randint(5, 8)


class Growing:
    """Short streams that live in one chunk or two; four that live through all of history, whose
    category is ``ledger``: every 25th message is theirs, in turn; and one that is busy for a while,
    from the middle on, when it has every second message until it has a thousand."""

    name = "short-lived and long-lived streams"
    long_lived = tuple(f"ledger-{number}" for number in range(1, 5))
    busy = "busy-1"

    def __init__(self, seed: int, *, v4_share: float = 0.0) -> None:
        self._model = Model(Shape(self.name, "short", open_streams=20), seed, v4_share=v4_share)
        self._random = Random(f"{seed} growing")

    def events(self, count: int, start: datetime, end: datetime) -> Iterator[Event]:
        """As :class:`Source` says."""
        short = self._model.events(count, start, end)
        bodies = {name: Bodies(name) for name in (*self.long_lived, self.busy)}
        step = (end - start) / count
        busy = count // 2
        done = dict.fromkeys(bodies, 0)
        for number in range(count):
            time = start + number * step
            if number % 25 == 24:
                name = self.long_lived[number // 25 % len(self.long_lived)]
            elif number >= busy and number % 2 == 1 and done[self.busy] < 1000:
                name = self.busy
            else:
                yield next(short)._replace(time=time)
                continue
            position = done[name]
            done[name] += 1
            type, data, metadata = bodies[name].message(self._random, position, number, time)
            id = uuid7_at(self._random, time)
            yield Event(id, name, type, position, data, metadata, time)


class _Stream:
    __slots__ = ("bodies", "length", "name", "position")

    def __init__(self, name: str, length: int) -> None:
        self.name = name
        self.bodies = Bodies(name)
        self.length = length
        self.position = 0


def random_uuid(random: Random) -> str:
    """A UUIDv4."""
    digits = f"{random.getrandbits(128):032x}"
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"


def uuid7_at(random: Random, time: datetime) -> str:
    """A UUIDv7 as a client makes it at that time."""
    moment = f"{int(time.timestamp() * 1000):012x}"
    rest = f"{random.getrandbits(76):019x}"
    return f"{moment[:8]}-{moment[8:]}-7{rest[:3]}-a{rest[3:6]}-{rest[6:18]}"
