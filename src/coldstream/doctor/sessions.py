"""Clocks, transactions that are held open, and locks in the way."""

from __future__ import annotations

from collections.abc import Iterator

from coldstream.doctor.asked import Asked, NotLooked, check
from coldstream.doctor.kind import Found, Kind

CLOCK_SKEW = Kind(
    "clock-skew",
    "warning",
    "the server's clock is {seconds:.0f} s {direction} this machine's",
    "ages of chunks, leases of consumers and times of messages go by the server's; one of the two "
    "is wrong",
    "set both by NTP: timedatectl set-ntp true",
)
TRANSACTION_OLD = Kind(
    "transaction-old",
    "warning",
    "a transaction of {role} ({application}, process {pid}) has been open for {minutes:.0f} minutes"
    "{idle}",
    "vacuum cleans nothing that is younger, chunks that it read cannot be dropped or compressed, "
    "and "
    "consumers wait where it has written",
    "SELECT pg_terminate_backend({pid})",
)
PREPARED_OLD = Kind(
    "prepared-transaction",
    "error",
    "the transaction {gid} was prepared at {prepared} and is not ended",
    "it keeps its locks, over restarts, too: writers of its categories and the lifecycle wait",
    "ROLLBACK PREPARED {gid}, or COMMIT PREPARED {gid}",
)
LOCK_WAITS = Kind(
    "lock-waits",
    "warning",
    "process {waiting} has waited for {seconds:.0f} s for a lock that process {pid} of {role} "
    "({application}) has",
    "writers of one category come one after another, so all of them wait",
    "SELECT pg_terminate_backend({pid})",
)
LIFECYCLE_HELD = Kind(
    "lifecycle-lock-held",
    "warning",
    "the lifecycle's lock is held by process {pid} of {role} ({application}), which has been idle "
    "for {minutes:.0f} minutes",
    "no other lifecycle can run",
    "SELECT pg_terminate_backend({pid})",
)
SLOT_INACTIVE = Kind(
    "slot-inactive",
    "warning",
    "nobody reads the replication slot {slot}, for which the server keeps {size} MB of its log",
    "the disk fills up, and then the server stops",
    "SELECT pg_drop_replication_slot({quoted}), if nobody comes back to it",
)


@check("the server's clock against this machine's")
def clock(asked: Asked) -> Iterator[Found]:
    before = asked.clock()
    [server] = asked.one("server_time")
    after = asked.clock()
    limit = asked.limits.clock_skew
    if server < before - limit:
        yield CLOCK_SKEW(seconds=(before - server).total_seconds(), direction="behind")
    elif server > after + limit:
        yield CLOCK_SKEW(seconds=(server - after).total_seconds(), direction="ahead of")


@check("transactions that are open for long")
def transactions(asked: Asked) -> Iterator[Found]:
    unseen = 0
    for pid, role, application, seconds, is_idle in asked.rows(
        "doctor_transactions", [asked.limits.old_transaction]
    ):
        if seconds is None:
            unseen += 1
            continue
        yield TRANSACTION_OLD(
            pid=pid,
            role=role,
            application=application or "no name",
            minutes=seconds / 60,
            idle=", and does nothing" if is_idle else "",
        )
    if unseen:
        raise NotLooked(
            f"the role {asked.role} does not see other roles' sessions: that takes "
            f"pg_read_all_stats"
        )


@check("prepared transactions")
def prepared(asked: Asked) -> Iterator[Found]:
    for gid, at in asked.rows("doctor_prepared", [asked.limits.old_prepared]):
        yield PREPARED_OLD(gid=gid, prepared=at)


@check("locks in the way")
def locks(asked: Asked) -> Iterator[Found]:
    for waiting, seconds, pid, role, application in asked.rows(
        "doctor_lock_waits", [asked.limits.waiting]
    ):
        yield LOCK_WAITS(
            waiting=waiting, seconds=seconds, pid=pid, role=role, application=application
        )
    for pid, role, application, seconds in asked.rows(
        "doctor_lifecycle_lock", [asked.limits.idle_holder]
    ):
        yield LIFECYCLE_HELD(pid=pid, role=role, application=application, minutes=seconds / 60)


@check("replication slots")
def slots(asked: Asked) -> Iterator[Found]:
    if asked.is_standby:
        raise NotLooked("slots are the primary's")
    for slot, quoted, kept in asked.rows("doctor_slots"):
        if kept > asked.limits.kept_wal_bytes:
            yield SLOT_INACTIVE(slot=slot, quoted=quoted, size=kept >> 20)
