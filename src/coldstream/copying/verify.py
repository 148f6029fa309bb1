"""Whether a copy has what its source has: digests on both sides, by stream and range of
positions."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from coldstream.copying.results import Copied, Difference, OnProgress, Verified
from coldstream.copying.source import Source
from coldstream.errors import LifecycleError
from coldstream.lifecycle.session import Session

_ROWS = 100_000
_MOST = 100
_MODULUS = 1 << 64


@dataclass
class _Sum:
    """A digest in the form of the archive's."""

    count: int = 0
    high: int = 0
    low: int = 0

    def add(self, count: int, high: int, low: int) -> None:
        self.count += count
        self.high = (self.high + high) % _MODULUS
        self.low = (self.low + low) % _MODULUS

    def __str__(self) -> str:
        return f"sum-sha256:{self.count}:{self.high:016x}{self.low:016x}"


def verify(
    source: Source,
    session: Session,
    copied: Copied,
    progress: OnProgress,
    *,
    after: int = 0,
    last: int | None = None,
) -> Verified:
    """Compare everything between two positions, a range at a time: no more than its streams are in
    memory. Of differences the first hundred are given.

    Raises:
        LifecycleError: a part of it has left the database.
    """
    last = copied.last_global_position if last is None else last
    [left] = session.one("left_ranges", [after, last])
    if left:
        raise LifecycleError(
            f"{left} messages of the copy have left the database",
            hint="Compare before the first drop; or coldstream rehydrate them.",
        )
    bounded = source.bounded(copied.clamp)
    there, here = _Sum(), _Sum()
    differences: list[Difference] = []
    ranges = 0
    with ThreadPoolExecutor(1) as other:
        while after < last:
            _, bound = source.bound(after, last, _ROWS)
            bound = last if bound is None else bound
            ours = other.submit(session.rows, "copied_digests", {"after": after, "last": bound})
            expected = {row[0]: _numbers(row) for row in source.digests(after, bound, bounded)}
            found = {row[0]: _numbers(row) for row in ours.result()}
            for sums, whole in ((expected, there), (found, here)):
                for each in sums.values():
                    whole.add(*each)
            if expected != found:
                differences += [
                    Difference(
                        name, after, bound, *(s.get(name, _NONE)[0] for s in (expected, found))
                    )
                    for name in sorted({*expected, *found})
                    if expected.get(name) != found.get(name)
                ][: _MOST - len(differences)]
            after = bound
            ranges += 1
            progress("verify", there.count, copied.messages)
    return Verified(there.count, here.count, ranges, str(there), str(here), tuple(differences))


_NONE = (0, 0, 0)


def _numbers(row: tuple[object, ...]) -> tuple[int, int, int]:
    _, count, high, low = row
    return int(str(count)), int(str(high)), int(str(low))
