"""Which chunk interval and ages a rate and a machine ask for, and what that comes to. No I/O.

Bytes are decimal where they are priced, as clouds price them. What a tier takes is what it takes at
most: a chunk leaves a tier when the youngest message in it is old enough.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal, TypeAlias

from coldstream.errors import InvalidInput

Source: TypeAlias = Literal["given", "measured", "benchmark"]

COLUMNSTORE_RATIO, ARCHIVE_RATIO = 6.8, 15.3
"""What docs/reference/benchmark.md has for short streams, of the kinds that it measures the one
that compresses least but for many tenants'. Where nothing else is known."""

_DAY = timedelta(days=1)
_HOUR = timedelta(hours=1)
_INTERVALS = (30 * _DAY, 7 * _DAY, _DAY, 6 * _HOUR, _HOUR)
_ROWS_FOR = (7 * _DAY, 3 * _DAY, _DAY, 12 * _HOUR, 6 * _HOUR, _HOUR)
_IN_DATABASE = (365, 180, 90, 60, 30, 14, 7, 3, 2, 1)  # days
_USUAL_ARCHIVE_AFTER = 30 * _DAY
# Of the disk: what is left is for WAL, other tables, and a chunk that is written anew.
_DISK_SHARE = 0.7
_SMALL = 10e9  # bytes of which an ordinary table makes no trouble
_MIB, _GIB = 1 << 20, 1 << 30


@dataclass(frozen=True)
class Rates:
    """What is written, and how small it gets. ``sources``: by field, where a figure is from."""

    messages_per_day: float
    bytes_per_message: float
    columnstore_ratio: float = COLUMNSTORE_RATIO
    archive_ratio: float = ARCHIVE_RATIO
    sources: dict[str, Source] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("messages_per_day", "bytes_per_message", "columnstore_ratio", "archive_ratio"):
            if not 0 < getattr(self, name) < 1e18:
                raise InvalidInput(
                    f"{name} must be more than 0, and less than 1e18: {getattr(self, name):g}"
                )

    @property
    def bytes_per_day(self) -> float:
        """As rows, with their indexes."""
        return self.messages_per_day * self.bytes_per_message


@dataclass(frozen=True)
class Machine:
    """The database server's: bytes of ``memory``, ``processors``, and bytes of ``disk`` that this
    store may fill; ``None``: as many as it takes."""

    memory: int
    processors: int
    disk: int | None = None


@dataclass(frozen=True)
class Prices:
    """Of a gigabyte (10^9 bytes) a month, on the database's disks and in object storage."""

    disk: float
    object: float
    currency: str = ""


@dataclass(frozen=True)
class TierAdvice:
    """``hot``: rows, those of the chunk that takes writes too; ``warm``: the columnstore; ``cold``:
    the archive. ``age_to``: how old its oldest messages are. ``as_rows``: what they would take."""

    tier: Literal["hot", "warm", "cold"]
    age_from: timedelta
    age_to: timedelta
    messages: int
    bytes: int
    as_rows: int
    monthly_cost: float | None


@dataclass(frozen=True)
class Setting:
    """A line of postgresql.conf. ``needs_restart``: a reload is not enough."""

    name: str
    value: str
    why: str
    needs_restart: bool = False


@dataclass(frozen=True)
class Advice:
    """``chunk_bytes``: of a full chunk as rows. ``as_rows``, ``rows_cost``: everything in rows, for
    comparison. ``notes``: what to know beside the figures."""

    rates: Rates
    keep: timedelta
    chunk_interval: timedelta
    chunk_bytes: int
    compress_after: timedelta
    archive_after: timedelta
    tiers: list[TierAdvice]
    bytes: int
    monthly_cost: float | None
    as_rows: int
    rows_cost: float | None
    settings: list[Setting]
    notes: list[str]


def advise(
    rates: Rates, machine: Machine, keep: timedelta, *, prices: Prices | None = None
) -> Advice:
    """What to set, and what it comes to once history is ``keep`` long.

    Raises:
        InvalidInput: a figure that cannot be meant.
    """
    if machine.memory < 128 * _MIB or machine.processors < 1 or keep < _DAY:
        raise InvalidInput(
            "A machine has 128 MB of memory and one processor at least, and history is kept for a "
            "day at least"
        )
    notes: list[str] = []
    interval = _interval(rates, machine, notes)
    compress_after = _compress_after(rates, machine, interval, notes)
    archive_after = _archive_after(rates, machine, interval, compress_after, keep, notes)
    tiers = _tiers(rates, interval, compress_after, archive_after, keep, prices)
    as_rows = round(rates.bytes_per_day * (keep / _DAY))
    if as_rows < _SMALL:
        notes.append(
            "All of it takes less than 10 GB as rows: an ordinary table is simpler, and a store "
            "can move later (coldstream init --engine postgres; coldstream upgrade)."
        )
    if "benchmark" in rates.sources.values():
        notes.append(
            "Ratios are the benchmark's, of a shop's events. Measure yours: coldstream bench "
            "--from-dsn."
        )
    chunks = (archive_after + interval) / interval
    return Advice(
        rates,
        keep,
        interval,
        _chunk_bytes(rates, interval),
        compress_after,
        archive_after,
        tiers,
        sum(each.bytes for each in tiers),
        None if prices is None else sum(each.monthly_cost or 0 for each in tiers),
        as_rows,
        None if prices is None else as_rows / 1e9 * prices.disk,
        settings_for(machine, chunks=round(chunks)),
        notes,
    )


def _chunk_bytes(rates: Rates, interval: timedelta) -> int:
    return round(rates.bytes_per_day * (interval / _DAY))


def _interval(rates: Rates, machine: Machine, notes: list[str]) -> timedelta:
    """The longest whose chunk takes a quarter of the memory at most, as rows."""
    for interval in _INTERVALS:
        if _chunk_bytes(rates, interval) <= machine.memory / 4:
            return interval
    notes.append("An hour of messages takes more than a quarter of the memory: give it more.")
    return _INTERVALS[-1]


def _compress_after(
    rates: Rates, machine: Machine, interval: timedelta, notes: list[str]
) -> timedelta:
    """The longest with which all rows take half of the memory at most."""
    for age in _ROWS_FOR:
        if rates.bytes_per_day * ((age + interval) / _DAY) <= machine.memory / 2:
            break
    else:
        notes.append("Rows take more than half of the memory, however soon they are compressed.")
    if age < _ROWS_FOR[0]:
        notes.append(
            "An id is known as a duplicate for as long as its message is in rows. More memory "
            "allows a longer time."
        )
    return age


def _archive_after(
    rates: Rates,
    machine: Machine,
    interval: timedelta,
    compress_after: timedelta,
    keep: timedelta,
    notes: list[str],
) -> timedelta:
    """The longest that the disk has room for; where nobody says how large it is, what is usual."""

    def size(age: timedelta) -> float:
        tiers = _tiers(rates, interval, compress_after, age, keep, None)
        return sum(each.bytes for each in tiers if each.tier != "cold")

    least = max(compress_after, _DAY)
    if machine.disk is None:
        return max(_USUAL_ARCHIVE_AFTER, least)
    for days in _IN_DATABASE:
        age = days * _DAY
        if age >= least and size(age) <= machine.disk * _DISK_SHARE:
            return age
    notes.append("The disk has no room for what has to be in the database: it needs to be larger.")
    return least


def _tiers(
    rates: Rates,
    interval: timedelta,
    compress_after: timedelta,
    archive_after: timedelta,
    keep: timedelta,
    prices: Prices | None,
) -> list[TierAdvice]:
    disk = None if prices is None else prices.disk
    cold = None if prices is None else prices.object
    hot_to = min(compress_after + interval, keep)
    warm_to = min(archive_after + interval, keep)

    def tier(
        name: Literal["hot", "warm", "cold"],
        start: timedelta,
        end: timedelta,
        ratio: float,
        price: float | None,
    ) -> TierAdvice:
        days = (end - start) / _DAY
        as_rows = rates.bytes_per_day * days
        cost = None if price is None else as_rows / ratio / 1e9 * price
        messages = round(rates.messages_per_day * days)
        return TierAdvice(name, start, end, messages, round(as_rows / ratio), round(as_rows), cost)

    return [
        tier("hot", timedelta(0), hot_to, 1, disk),
        tier("warm", hot_to, warm_to, rates.columnstore_ratio, disk),
        tier("cold", warm_to, keep, rates.archive_ratio, cold),
    ]


def settings_for(machine: Machine, *, chunks: int) -> list[Setting]:
    """Lines of postgresql.conf for a machine that is the database's alone, with this many chunks in
    the database."""
    memory, processors = machine.memory, machine.processors
    found = [
        Setting(
            "shared_buffers",
            _megabytes(min(memory // 4, 16 * _GIB)),
            "the chunks that take writes, rows and indexes, are read and written here",
            needs_restart=True,
        ),
        Setting(
            "effective_cache_size",
            _megabytes(memory * 3 // 4),
            "what the system's cache has beside that: the planner goes by it",
        ),
        Setting(
            "maintenance_work_mem",
            _megabytes(max(64 * _MIB, min(1024 * _MIB, memory // 32))),
            "a chunk is sorted with it when it is compressed",
        ),
        Setting(
            "max_worker_processes",
            str(processors + 11),
            "the background workers below, parallel workers, and the server's own",
            needs_restart=True,
        ),
        Setting(
            "timescaledb.max_background_workers",
            "8",
            "one for each database, two for the jobs of a store",
            needs_restart=True,
        ),
        Setting(
            "max_parallel_workers_per_gather",
            str(max(1, min(4, processors // 2))),
            "large statements of your own over the columnstore; the functions need none",
        ),
        Setting(
            "default_toast_compression",
            "lz4",
            "large JSON in rows is read and written faster; where the server is built with lz4",
        ),
    ]
    # Eight locks a chunk: itself, its indexes, and its columnstore's. 100 connections and 64 locks
    # for each are what a server begins with.
    if 8 * chunks > 6400:
        found.append(
            Setting(
                "max_locks_per_transaction",
                str(-(-16 * chunks // 100)),
                f"a statement of your own that names no range of time locks {chunks} chunks",
                needs_restart=True,
            )
        )
    return found


def _megabytes(size: int) -> str:
    return f"{size // _MIB}MB"
