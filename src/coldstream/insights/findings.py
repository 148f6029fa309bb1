"""What is wrong with a store, by its figures: what, why it matters, and what mends it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from coldstream.insights.status import Status

Level: TypeAlias = Literal["error", "warning"]
"""An error is what somebody should be woken for: work that does not get done, or may be lost."""

_LATE = timedelta(days=2)
_OLD_PROOF = timedelta(days=180)
_LAG_SECONDS = 3600.0
_STEPS = {
    "compress": "compressed",
    "archive": "archived",
    "verify": "verified",
    "drop": "dropped",
}


@dataclass(frozen=True)
class Finding:
    """``what`` is wrong, ``why`` that matters, and the command or the step that mends it."""

    level: Level
    what: str
    why: str
    mend: str


def find(status: Status) -> list[Finding]:
    """All that is wrong, errors first."""
    found = [
        *_gone(status),
        *_server(status),
        *_jobs(status),
        *_lifecycle(status),
        *_consumers(status),
    ]
    return sorted(found, key=lambda each: each.level != "error")


def _gone(status: Status) -> Iterator[Finding]:
    for tier in status.tiers:
        if tier.tier == "gone":
            count = "1 chunk" if tier.chunks == 1 else f"{tier.chunks} chunks"
            yield Finding(
                "warning",
                f"{count} with {tier.messages or 0} messages left the database, and no archive has "
                "them",
                "that history is gone: reads of it fail",
                "restore it from a backup, if it was not meant to go: coldstream chunks",
            )


def _server(status: Status) -> Iterator[Finding]:
    from coldstream.migrations.versions import fault_warning

    fault = fault_warning(status.server.timescaledb) if status.server.timescaledb else None
    if fault is not None:
        yield Finding(
            "warning",
            fault,
            "the release has a fault that is known",
            "ALTER EXTENSION timescaledb UPDATE",
        )
    if status.engine == "timescale" and status.server.edition == "apache":
        yield Finding(
            "warning",
            "this is TimescaleDB's Apache edition, which has no columnstore",
            "history stays in rows until it is archived",
            "install the community edition",
        )


def _jobs(status: Status) -> Iterator[Finding]:
    if status.server.is_standby:
        return
    for job in status.jobs:
        if not job.is_scheduled:
            yield Finding(
                "warning",
                f"the job {job.name} ({job.job_id}) is switched off",
                "what it does is not done",
                f"SELECT alter_job({job.job_id}, scheduled => true)",
            )
        elif job.last_status == "Failed":
            yield Finding(
                "error",
                f"the last run of the job {job.name} ({job.job_id}) failed",
                "what it does is not done",
                "SELECT * FROM timescaledb_information.job_errors "
                f"WHERE job_id = {job.job_id} ORDER BY start_time DESC",
            )


def _lifecycle(status: Status) -> Iterator[Finding]:
    lifecycle = status.lifecycle
    for step, done in _STEPS.items():
        late = lifecycle.due_since.get(step)
        if late is not None and late > _LATE:
            count = lifecycle.due[step]
            yield Finding(
                "error",
                f"{count} {'chunk' if count == 1 else 'chunks'} should have been {done}, "
                f"{late.days} days ago at the latest",
                "storage grows as long as nobody does it",
                "coldstream lifecycle run --dry-run; is it scheduled?",
            )
    proof = lifecycle.oldest_proof
    if proof is not None and status.server.time - proof > _OLD_PROOF:
        yield Finding(
            "warning",
            f"a part of the archive was last proved {(status.server.time - proof).days} days ago",
            "storage that damages what it holds is noticed by a proof",
            "coldstream verify --all --sample 10%",
        )


def _consumers(status: Status) -> Iterator[Finding]:
    for each in status.consumers:
        name = each.consumer if each.size == 1 else f"{each.consumer} ({each.member})"
        if each.is_paused:
            yield Finding(
                "warning",
                f"the consumer {name} is paused, {_messages(each.lag_messages)} behind",
                "nobody handles what comes",
                f"coldstream consumers resume {each.consumer}",
            )
        elif each.lag_messages and (each.lag_seconds or 0) > _LAG_SECONDS:
            yield Finding(
                "error",
                f"the consumer {name} is {_messages(each.lag_messages)} behind"
                + ("" if each.has_owner else ", and nobody works for it"),
                f"its oldest message has waited for {(each.lag_seconds or 0) / 3600:.0f} hours",
                "start it" if not each.has_owner else "coldstream consumers",
            )
        if each.failures:
            yield Finding(
                "warning",
                f"the consumer {name} went past {_messages(each.failures)} it could not handle",
                "they are not handled until somebody does",
                f"coldstream consumers failures {each.consumer}",
            )


def _messages(count: int | None) -> str:
    return "1 message" if count == 1 else f"{count or 0} messages"
