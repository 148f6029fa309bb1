"""The heads of streams: against messages, against the clock, and how much room they waste."""

from __future__ import annotations

from collections.abc import Iterator

from coldstream.doctor.asked import Asked, check
from coldstream.doctor.kind import Found, Kind

HEAD_BEHIND = Kind(
    "head-behind",
    "error",
    "{count} streams have messages beyond their head ({stream}: head {head}, last {last})",
    "the next write would give a position that a message has",
    "{command}",
)
HEAD_MISSING = Kind(
    "head-missing",
    "error",
    "{count} streams have messages and no head ({stream})",
    "to writers and readers such a stream is not there",
    "{command}",
)
HEAD_AHEAD = Kind(
    "head-ahead",
    "warning",
    "{count} streams end before their head ({stream}: head {head}, last {last})",
    "messages were deleted, or lost",
    "coldstream read {stream}; restore what is missing from a backup",
)
CLOCK_BEHIND_MESSAGES = Kind(
    "clock-behind-messages",
    "warning",
    "the newest message is {seconds:.0f} s ahead of the server's clock",
    "later messages get its time, until the clock is there; far ahead, writes are refused",
    "set the server's clock right",
)
TABLE_BLOATED = Kind(
    "table-bloated",
    "warning",
    "{table} has {dead} dead rows beside {live}",
    "every write reads and writes it, through more pages than are needed; vacuum does not keep up, "
    "or an old transaction keeps it from cleaning",
    "VACUUM (ANALYZE) {table}",
    "VACUUM (ANALYZE) {table}",
)


@check("heads against messages", deep=True)
def against_messages(asked: Asked) -> Iterator[Found]:
    schema = asked.schema
    for what, count, stream, quoted, head, last in asked.rows("doctor_heads", deep=True):
        repair = (
            f"SELECT stream_name, max(position), min(time), max(time) FROM {schema}.messages "
            f"WHERE stream_name = {quoted} GROUP BY 1: that is what its row in {schema}.streams "
            "must say"
        )
        if what == "behind":
            command = (
                f"UPDATE {schema}.streams SET position = {last} WHERE stream_name = {quoted}; "
                "for each of them"
            )
            yield HEAD_BEHIND(count=count, stream=stream, head=head, last=last, command=command)
        elif what == "missing":
            yield HEAD_MISSING(count=count, stream=stream, command=repair)
        else:
            yield HEAD_AHEAD(count=count, stream=stream, head=head, last=last)


@check("the newest message against the clock")
def newest(asked: Asked) -> Iterator[Found]:
    for (seconds,) in asked.rows("doctor_newest"):
        if seconds is not None and seconds > asked.limits.clock_skew.total_seconds():
            yield CLOCK_BEHIND_MESSAGES(seconds=seconds)


@check("dead rows of heads, recent ids and consumers")
def bloat(asked: Asked) -> Iterator[Found]:
    for table, live, dead in asked.rows("doctor_bloat"):
        if dead > asked.limits.dead_rows and dead * 5 > live:
            yield TABLE_BLOATED(table=table, live=live, dead=dead)
