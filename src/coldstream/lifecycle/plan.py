"""What is due: the steps that a policy asks for, from the ages and states of the chunks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, TypeAlias

from coldstream.errors import ColdstreamError
from coldstream.lifecycle.chunk import Chunk
from coldstream.lifecycle.policy import Policy
from coldstream.lifecycle.session import Session
from coldstream.lifecycle.states import (
    COMPRESSIBLE,
    DROPPED,
    EXPORTABLE,
    EXPORTED,
    REHYDRATED,
    VERIFIED,
)

Verb: TypeAlias = Literal["compress", "archive", "verify", "drop"]
Outcome: TypeAlias = Literal["due", "done", "failed", "skipped"]


@dataclass(frozen=True)
class Step:
    """One step of one chunk, and what became of it. ``chunk`` is as it was before the run.

    ``skipped``: a step before it failed. ``problem`` is set where it ``failed``, or, in a dry run,
    where a drop would, because the archive has no longer what was verified; ``seconds`` where it
    was tried.
    """

    chunk: Chunk
    verb: Verb
    outcome: Outcome = "due"
    problem: ColdstreamError | None = None
    seconds: float | None = None
    position_streams: tuple[str, ...] = ()


def plan(session: Session, policy: Policy, *, sizes: bool) -> list[Step]:
    """Every step that is due, oldest chunk first, each chunk's in the order they are done in."""
    now: datetime = session.one("server_time")[0]
    columnstore: bool = session.one("lifecycle_policy")[3]
    return [
        Step(chunk, verb)
        for chunk in session.chunks(sizes=sizes)
        for verb in due(chunk, policy, now, columnstore=columnstore)
    ]


def due(chunk: Chunk, policy: Policy, now: datetime, *, columnstore: bool) -> list[Verb]:
    """The steps of one chunk that are due, in order."""

    def is_older_than(age: timedelta | None) -> bool:
        return age is not None and now - chunk.range_end >= age

    if chunk.state == DROPPED and chunk.part_streams is None:
        return []
    if chunk.state in (DROPPED, REHYDRATED):
        return [] if chunk.is_kept else ["drop"]

    verbs: list[Verb] = []
    if is_older_than(policy.archive_after) and chunk.state in EXPORTABLE:
        verbs += ["archive", "verify"]
    elif policy.archive_after is not None and chunk.state == EXPORTED:
        verbs += ["verify"]
    if (verbs or chunk.state == VERIFIED) and is_older_than(policy.drop_after):
        verbs += [] if chunk.is_kept else ["drop"]
    # A sealed chunk is not compressed any more; one that goes in the same run need not be.
    if (
        columnstore
        and is_older_than(policy.compress_after)
        and chunk.state in COMPRESSIBLE
        and not chunk.is_compressed
        and "drop" not in verbs
    ):
        verbs.insert(0, "compress")
    return verbs
