"""The reads of growth: what is called, and with what."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from coldstream_bench.arena import Arena
from coldstream_bench.context import Bench
from coldstream_bench.result import Compare, Row, Unit
from coldstream_bench.workload import Growing

SECTION = "Growth"
PAGE = 100
LARGE = 1000
TARGET = 1.2
CHUNK = timedelta(days=1)

Arguments = dict[str, list[tuple[Any, ...]]]
"""Of each kind of call, those of every call, by its key."""


@dataclass(frozen=True)
class Call:
    """One kind of call. ``function`` is called with what ``arguments`` has for its key."""

    key: str
    title: str
    function: str

    def row(self, tier: str) -> Row:
        """Its row while all of history is in one tier."""
        return growth_row(f"{self.key}.{tier}", f"{self.title}, {tier}", part=tier)

    @property
    def first_row(self) -> Row:
        return growth_row(
            f"first_{self.key}", f"{self.title}, first call of a connection", part="warm"
        )


def growth_row(key: str, title: str, unit: Unit = Unit.MILLISECONDS, *, part: str) -> Row:
    """Held to what it costs with ten chunks."""
    return Row(f"growth.{key}", f"{SECTION}: {part}", title, unit, Compare.GROWTH, TARGET)


CALLS = (
    Call("short_start", "short-lived stream, oldest chunk", "get_stream_messages"),
    Call("short_middle", "short-lived stream, middle", "get_stream_messages"),
    Call("short_head", "short-lived stream, newest chunk", "get_stream_messages"),
    Call("long_start", "long-lived stream, its first 10", "get_stream_messages"),
    Call("long_middle", "long-lived stream, 10 in its middle", "get_stream_messages"),
    Call("long_head", "long-lived stream, its last 10", "get_stream_messages"),
    Call("stream_1000", f"{LARGE:,} of a stream, middle", "get_stream_messages"),
    Call("category_start", f"category page of {PAGE}, start", "get_category_messages"),
    Call("category_middle", f"category page of {PAGE}, middle", "get_category_messages"),
    Call("category_head", f"category page of {PAGE}, head", "get_category_messages"),
    Call("large_start", f"category page of {LARGE:,}, start", "get_category_messages"),
    Call("large_middle", f"category page of {LARGE:,}, middle", "get_category_messages"),
    Call("large_head", f"category page of {LARGE:,}, head", "get_category_messages"),
    Call("correlation", f"page of {PAGE} with correlation, middle", "get_category_messages"),
    Call("group", f"page of {PAGE} of one of 4 consumers, middle", "get_category_messages"),
    Call("all", f"page of {PAGE} of all categories, middle", "get_all_messages"),
    Call("last", "last message", "get_last_stream_message"),
    Call("version", "stream version", "stream_version"),
)


def arguments_of(bench: Bench, arena: Arena) -> Arguments:
    """What each kind of call is called with, the same for everybody."""
    options = bench.options

    def streams(number: int) -> list[str]:
        start = arena.start + number * CHUNK
        found = arena.rows(
            "streams_between",
            {"start": start, "end": start + CHUNK, "seed": str(options.seed), "count": 20},
        )
        return [name for (name,) in found]

    oldest, newest = streams(0), streams(arena.chunks - 1)
    # Before the busy stream begins, which would stretch those that live beside it over two chunks.
    middle = streams(max(0, arena.chunks // 2 - 1))
    per_stream = arena.messages // 25 // len(Growing.long_lived)
    category, _, first, _, last = arena.rows("pick_categories", {"count": 1})[0]
    places = _middle(arena)
    middle_page = [(category, position, PAGE) for position in places]
    spread = range(10)

    def head(page: int) -> int:
        return int(max(first, last - 4 * page))

    return {
        "short_start": [(name, 0, 10) for name in oldest],
        "short_middle": [(name, 0, 10) for name in middle],
        "short_head": [(name, 0, 10) for name in newest],
        "long_start": [(name, 0, 10) for name in Growing.long_lived],
        "long_middle": [(name, per_stream // 2, 10) for name in Growing.long_lived],
        "long_head": [(name, max(0, per_stream - 10), 10) for name in Growing.long_lived],
        "stream_1000": [(Growing.busy, 0, LARGE) for _ in spread],
        "category_start": [(category, first + n, PAGE) for n in spread],
        "category_middle": middle_page,
        "category_head": [(category, head(PAGE) + n, PAGE) for n in spread],
        "large_start": [(category, first + n, LARGE) for n in spread],
        "large_middle": [(category, position, LARGE) for position in places],
        "large_head": [(category, head(LARGE) + n, LARGE) for n in spread],
        "correlation": [(*page, "customer") for page in middle_page],
        "group": [(*page, None, member, 4) for page in middle_page for member in range(4)],
        "all": [(position, PAGE) for _, position, _ in middle_page],
        "last": [(name,) for name in (*oldest, *middle, *newest)],
        "version": [(name,) for name in (*oldest, *middle, *newest)],
    }


def _middle(arena: Arena) -> list[int]:
    """Global positions where pages begin: two in each of five chunks before the middle, at the same
    places in them whatever the number of chunks, so that a page ends before they do. A page opens a
    chunk more when it begins near the end of one, and a filtered one reads three: that must not
    differ.
    """
    each = arena.messages // arena.chunks
    before = max(0, arena.chunks // 2 - 5)
    chunks = [min(before + number, arena.chunks - 1) for number in range(5)]
    return [chunk * each + offset for chunk in chunks for offset in (each // 5, each // 2)]
