"""The figures, and the targets they are held to."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from coldstream_bench.measure import Compared


class Unit(Enum):
    """What a value is in. JSON has it raw, in this unit."""

    RATE = "messages/s"
    MILLISECONDS = "ms"
    SECONDS = "s"
    BYTES = "bytes"
    EACH = "bytes/message"


class Compare(Enum):
    """What the ratio is, and which way is better."""

    RATE = "times the rate"
    """Ours to PostgreSQL's; more is better."""
    TIME = "times the time"
    """Ours to PostgreSQL's; less is better."""
    SMALLER = "times smaller"
    """PostgreSQL's to ours; more is better."""
    FASTER = "times faster"
    """PostgreSQL's to ours; more is better."""
    MORE = "times as much"
    """Ours to PostgreSQL's; more is better."""
    GROWTH = "times the cost"
    """Ours with most chunks to ours with ten (or the fewest); less is better."""
    LIMIT = "limit"
    """No ratio: the value itself is held to the target. Less is better, a rate's more is."""

    @property
    def inverse(self) -> bool:
        """Whether the ratio is PostgreSQL's to ours."""
        return self in (Compare.SMALLER, Compare.FASTER)


@dataclass(frozen=True)
class Row:
    """One line of the table. ``key`` is what ``--rows`` names. ``against``: what the other value
    is, where it is not the same thing on plain PostgreSQL. ``needs_sample``: it is about the user's
    own messages, and not there without them."""

    key: str
    section: str
    title: str
    unit: Unit
    compare: Compare
    target: float | None = None
    against: str | None = None
    needs_sample: bool = False

    @property
    def less_is_better(self) -> bool:
        """Which way the target is."""
        if self.compare is Compare.LIMIT:
            return self.unit is not Unit.RATE
        return self.compare in (Compare.TIME, Compare.GROWTH)

    def figure(self, compared: Compared, **more: Any) -> Figure:
        """The figure of medians whose ratio is ours to PostgreSQL's."""
        inverse = self.compare.inverse
        low, high = compared.lowest, compared.highest
        return Figure(
            self,
            compared.value,
            compared.other,
            1 / compared.ratio if inverse else compared.ratio,
            (1 / high, 1 / low) if inverse else (low, high),
            **more,
        )

    def once(self, value: float, plain: float | None, **more: Any) -> Figure:
        """The figure of something that was measured a single time."""
        ratio = None
        if plain is not None and value > 0 and plain > 0:
            ratio = plain / value if self.compare.inverse else value / plain
        return Figure(self, value, plain, ratio, **more)

    def missing(self, note: str) -> Figure:
        """Not measured, and why."""
        return Figure(self, note=note)


@dataclass(frozen=True)
class Figure:
    """What was measured for a row. ``note`` says why nothing was, or what to know about it.

    ``spread``: the lowest and the highest ratio of a round. ``series``: by contender, a value for
    each number of ``chunks``. ``more``: what belongs to it, by name.
    """

    row: Row
    value: float | None = None
    plain: float | None = None
    ratio: float | None = None
    spread: tuple[float, float] | None = None
    note: str | None = None
    series: dict[str, list[float]] | None = None
    chunks: list[int] | None = None
    more: dict[str, Any] = field(default_factory=dict)

    @property
    def met(self) -> bool | None:
        """Whether the target is met; ``None``: there is none, or it was not measured."""
        target = self.row.target
        held = self.value if self.row.compare is Compare.LIMIT else self.ratio
        if target is None or held is None:
            return None
        return held <= target if self.row.less_is_better else held >= target

    def to_json(self) -> dict[str, Any]:
        row = self.row
        return {
            "key": row.key,
            "section": row.section,
            "title": row.title,
            "unit": row.unit.value,
            "coldstream": _rounded(self.value),
            "plain": _rounded(self.plain),
            "against": row.against,
            "ratio": _rounded(self.ratio),
            "ratio_is": row.compare.value,
            "lowest": _rounded(self.spread[0]) if self.spread else None,
            "highest": _rounded(self.spread[1]) if self.spread else None,
            "target": row.target,
            "less_is_better": row.less_is_better,
            "met": self.met,
            "note": self.note,
            "chunks": self.chunks,
            "series": self.series
            and {name: [_rounded(v) for v in values] for name, values in self.series.items()},
            **({"more": self.more} if self.more else {}),
        }


def _rounded(value: float | None) -> float | None:
    """To four digits: what is beyond them is noise."""
    return None if value is None else float(f"{value:.4g}")
