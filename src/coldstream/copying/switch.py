"""From one side to the other: writers are refused on both for as long as the last messages take."""

from __future__ import annotations

import time
from collections.abc import Callable

from coldstream.copying.load import Loader
from coldstream.copying.results import Copied, OnProgress, Switched, Verified
from coldstream.copying.source import Source
from coldstream.copying.verify import verify
from coldstream.errors import ColdstreamError, LifecycleBusy, LifecycleError

SMALL = 2_000
"""What is left to compare once writers are refused, in messages at most, where they are slow
enough for that."""
_ROUNDS = 20
_WAIT = "2s"
_TRIES = 5


def switch(source: Source, loader: Loader, progress: OnProgress) -> Switched:
    """Everything but the last messages is compared before writers are refused.

    Raises:
        SetupError: no right to make the source refuse writes.
        LifecycleError: the two sides differ; the source takes writes again.
        LifecycleBusy: a writer of the source has not ended.
    """
    source.check_may_refuse()
    compared = 0
    for _ in range(_ROUNDS):
        copied = loader.load(source.frontier(), progress)
        last = copied.last_global_position
        if last - compared <= SMALL:
            break
        equal(verify(source, loader.session, copied, progress, after=compared, last=last))
        compared = last
    began = refused(source)
    try:
        copied = loader.load(source.last(), progress)
        verified = equal(verify(source, loader.session, copied, progress, after=compared))
        last_given = source.last_given()
    except BaseException as error:
        # Nothing was let in here yet, so nothing is lost by going back.
        _take_back(source, error)
        raise
    # From here on the store may take writes, also where its answer is lost: the source must not.
    opened = Copied(*loader.session.one("open_copied", [last_given]))
    return Switched(opened, verified, time.monotonic() - began)


def _take_back(source: Source, error: BaseException) -> None:
    """Let the source take writes again, over a connection that nothing has happened to."""
    try:
        with source.again() as other:
            other.allow_writes()
    except ColdstreamError:
        raise LifecycleError(
            f"The switch was broken off, and the source still refuses writes: {error}",
            hint="Once it is back: coldstream copy-from --switch goes on, and --back --switch lets "
            "the source take writes.",
        ) from error


def refused(source: Source) -> float:
    """Make the source refuse writes; gives when its writers had to wait first."""
    tries = 1
    while True:
        began = time.monotonic()
        try:
            source.refuse_writes(_WAIT)
        except LifecycleBusy:
            if tries == _TRIES:
                raise LifecycleBusy(
                    "A writer of the source has not ended, and the source takes writes as before",
                    hint="Is a transaction idle that has written? End it, then run this again.",
                ) from None
            tries += 1
            time.sleep(1.0)
        else:
            return began


def equal(verified: Verified) -> Verified:
    """
    Raises:
        LifecycleError: the two sides differ.
    """
    if not verified.is_equal:
        names = ", ".join(dict.fromkeys(each.stream_name for each in verified.differences[:5]))
        raise LifecycleError(
            f"The source and the store differ in {names or 'their digests'}: nothing was switched",
            hint="Messages of the source were changed after they were copied: "
            "coldstream copy-from --verify shows which.",
        )
    return verified


def until(stop: Callable[[], bool], seconds: float) -> bool:
    """Pause; whether to stop."""
    ends = time.monotonic() + seconds
    while not stop():
        left = ends - time.monotonic()
        if left <= 0:
            return False
        time.sleep(min(left, 0.1))
    return True
