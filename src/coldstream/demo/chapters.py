"""What the demo does: a chapter a step, each with a sentence, its bar and its table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile
from typing import Any

from coldstream.archive.format.digest import RowsDigest
from coldstream.cli.views import chunks as view
from coldstream.cli.views.human import human_bytes, human_count, human_duration, human_ratio
from coldstream.cli.views.progress import step
from coldstream.cli.views.render import Column, Unit
from coldstream.demo.deliveries import Delivery
from coldstream.demo.history import Written, import_events, plan, split, write_events
from coldstream.demo.proof import Fingerprint, digested
from coldstream.demo.screen import Screen
from coldstream.errors import ColdstreamError, ExpectedVersionError, UnsupportedEdition
from coldstream.lifecycle import Chunk, Lifecycle
from coldstream.messages.message import Message
from coldstream.messages.names import category
from coldstream.sql import query
from coldstream.store import Store

COMPRESS_AFTER = timedelta(weeks=1)
ARCHIVE_AFTER = timedelta(weeks=5)
PAGE = 1000

# The tiers in the order of their age, as the demo calls them.
TIERS = {"cold": "archive", "rehydrated": "rehydrated", "warm": "columnstore", "hot": "rows"}

_SIZES = [
    Column("when", "when"),
    Column("rows", "as rows", Unit.BYTES),
    Column("columnstore", "columnstore", Unit.BYTES),
    Column("database", "whole database", Unit.BYTES),
    Column("archive", "archive", Unit.BYTES),
]
_BY_TIER = [
    Column("tier", "read from"),
    Column("messages", "messages", Unit.COUNT),
    Column("first", "first position", Unit.COUNT),
    Column("last", "last position", Unit.COUNT),
]
_PAGE = [
    Column("global_position", "global position", Unit.COUNT),
    Column("stream_name", "stream"),
    Column("position", "position", Unit.COUNT),
    Column("tier", "read from"),
]
_PROOF = [
    Column("what", "digest over"),
    Column("when", "taken"),
    Column("digest", "digest"),
]


class DemoFailed(ColdstreamError):
    """What was read is not what was written."""


class Demo:
    """One run on an empty store. ``figures``: bytes and counts by name."""

    def __init__(self, store: Store, screen: Screen) -> None:
        self.store = store
        self.screen = screen
        self.figures: dict[str, Any] = {}
        self.written = Written.nothing()
        self._sizes: list[dict[str, Any]] = []
        self._digest = ""
        self.across = ""
        """The stream that is read whole: the one over the most tiers."""

    def run(self, deliveries: Sequence[Delivery], messages: int) -> None:
        """Every chapter, in order.

        Raises:
            DemoFailed: what was read is not what was written.
            ColdstreamError: what a store or its lifecycle raises.
        """
        self.write(deliveries, messages)
        self.compress()
        self.archive()
        self.drop()
        self.read_stream()
        self.read_category()
        self.write_on()
        self.rehydrate()
        self.prove()

    def write(self, deliveries: Sequence[Delivery], messages: int) -> None:
        now = datetime.now(UTC)
        past, recent = split(list(plan(deliveries, messages, now)), now)
        self.screen.chapter(
            "Write ten weeks of history",
            f"{human_count(min(messages, len(deliveries)))} real GitHub webhook deliveries in "
            f"their order, and {human_count(max(0, messages - len(deliveries)))} copies with ids "
            "of their own. Nine weeks are imported with the times they happened; the last week's "
            "part is written now, as an application writes.",
        )
        with self.screen.timed("write"):
            with step("import nine weeks", total=len(past), noun="messages") as running:
                import_events(self.store, past, self.written, running.advance)
            with step("write the last week's", total=len(recent), noun="messages") as running:
                write_events(self.store, recent, self.written, running.advance)
        with self.screen.timed("digest"), step("digest every row"):
            self._digest = self._one("digest_range", ["-infinity", "infinity"])
        chunks = self.store.lifecycle.get_chunks()
        self.screen.chunks("Chunks", [view.RANGE, view.TIER, view.ROWS], chunks)
        size = self._measure("written")
        self.screen.say(
            f"{human_bytes(self.written.payload_bytes)} of JSON in "
            f"{human_count(len(self.written.times))} streams. PostgreSQL packs long values by "
            f"itself: as rows with their indexes they take {human_bytes(size)}."
        )
        self.figures |= {
            "messages": self.written.messages,
            "streams": len(self.written.times),
            "payload_bytes": self.written.payload_bytes,
            "row_bytes": size,
        }

    def compress(self) -> None:
        self.screen.chapter(
            "Compress what is older than a week",
            "Chunks move into TimescaleDB's columnstore, where every Message DB client still "
            "reads them.",
        )
        self.figures["compression_ratio"] = None
        try:
            done = self._run(
                "compress",
                lambda lifecycle, dry_run: lifecycle.compress(COMPRESS_AFTER, dry_run=dry_run),
            )
        except UnsupportedEdition as error:
            self.screen.say(f"{error}: chunks stay rows until they are archived.")
            return
        self.screen.chunks("Compressed", view.IN_THE_COLUMNSTORE, done)
        self.figures["compression_ratio"] = view.totals(done).get(view.RATIO.key)
        self._measure("compressed")

    def archive(self) -> None:
        self.screen.chapter(
            "Archive what is older than five weeks, and verify it",
            "A chunk becomes a Parquet file. It is read back and every row is compared by digest: "
            "only what is verified may be dropped.",
        )
        lifecycle = self.store.lifecycle
        done = self._run(
            "archive",
            lambda lifecycle, dry_run: lifecycle.archive(ARCHIVE_AFTER, dry_run=dry_run),
        )
        with (
            self.screen.timed("verify"),
            view.watching("verify", len(done), parts=False) as progress,
        ):
            proved = Lifecycle(self.store, progress=progress).verify()
        for each in proved:
            if each.problem is not None:
                raise each.problem
        starts = {chunk.range_start for chunk in done}
        verified = [c for c in lifecycle.get_chunks() if c.range_start in starts]
        self.screen.chunks("Archived and verified", view.IN_THE_ARCHIVE, verified)
        total = view.totals(verified)
        for column in (view.ARCHIVE, view.EACH):
            self.figures[column.key] = total.get(column.key)
        if verified:
            smaller = total[view.ROWS.key] / total[view.ARCHIVE.key]
            self.screen.say(
                f"{human_bytes(total[view.ARCHIVE.key])} instead of "
                f"{human_bytes(total[view.ROWS.key])} as rows: {human_ratio(smaller)} smaller. "
                "Events without copies among them take more."
            )

    def drop(self) -> None:
        self.screen.chapter(
            "Drop it from the database",
            "Under a lock, it is proved once more that the rows are the verified ones. Then the "
            "chunk goes.",
        )
        dropped = self._run(
            "drop",
            lambda lifecycle, dry_run: [
                each.chunk for each in lifecycle.drop(ARCHIVE_AFTER, dry_run=dry_run)
            ],
        )
        self._measure("dropped")
        self.screen.table("Size of the messages with their indexes", _SIZES, self._sizes)
        self.screen.say(
            f"{human_count(sum(chunk.messages or 0 for chunk in dropped))} of "
            f"{human_count(self.written.messages)} messages are in the archive alone now."
        )

    def read_stream(self) -> None:
        tier = self._tiers()
        times = self.written.times
        name = self.across = max(
            times, key=lambda s: (len({tier(t) for t in times[s]}), len(times[s]))
        )
        self.screen.chapter(
            "Read one stream whole",
            "The client takes every message from where it is, in one order.",
        )
        with self.screen.timed("read_stream"):
            found = list(self.store.get_stream_messages(name))
        self._check_positions(name, found, len(times[name]))
        self._show_tiers(name, found)
        self.figures["stream_messages"] = len(found)

    def read_category(self) -> None:
        # The one with the most streams, so that a page is more than one of them; names of a table's
        # width.
        names = Counter(category(stream) for stream in self.written.times if len(stream) <= 36)
        name, tier = names.most_common(1)[0][0], self._tiers()
        start = self._cold()[-1].first_global_position or 1
        self.screen.chapter(
            "Read a category, as a subscription does",
            f"Every event {name}, whatever its repository, from global position "
            f"{human_count(start)} on.",
        )
        with self.screen.timed("read_category"):
            page = list(islice(self.store.get_category_messages(name, start), PAGE))
        rows = [{**vars(m), "tier": tier(m.time)} for m in (*page[:3], *page[-3:])]
        self.screen.table(
            f"The first three and the last three of {human_count(len(page))}", _PAGE, rows
        )
        self.screen.say(f"Read in {human_duration(self.screen.seconds['read_category'])}.")
        self.figures["category_messages"] = len(page)

    def write_on(self) -> None:
        name, version = self.across, len(self.written.times[self.across]) - 1
        self.screen.chapter(
            "Write on",
            "A writer that has not seen the last message is refused, and nothing is written:",
        )
        try:
            self.store.write_message(name, "Overtaken", expected_version=version - 1)
        except ExpectedVersionError as error:
            self.screen.quote(str(error))
        else:
            raise DemoFailed("A write with a wrong expected version was taken")

        name = self._quiet_stream()
        version = len(self.written.times[name]) - 1
        result = self.store.write_message(name, "Returned", {"quiet": True})
        found = list(self.store.get_stream_messages(name))
        self._check_positions(name, found, version + 2)
        self.screen.say(
            f"Not one message of {name} is left in the database. The next one is not written to "
            f"position 0 again; it gets position {result.position}:"
        )
        self._show_tiers(name, found)
        self.figures["continued"] = {"stream_name": name, "position": result.position}

    def rehydrate(self) -> None:
        chunk = self._cold()[-1]
        self.screen.chapter(
            "Bring a week back",
            "For clients that know the database alone. The digest is proved before it counts.",
        )
        with self.screen.timed("rehydrate"), view.watching("rehydrate", 1, parts=False) as progress:
            lifecycle = Lifecycle(self.store, progress=progress)
            back = lifecycle.rehydrate(chunk.range_start, chunk.range_end)
        self.screen.chunks(
            "Rehydrated", [view.RANGE, view.TIER, view.MESSAGES, view.ROWS, view.ARCHIVE], back
        )

    def prove(self) -> None:
        self.screen.chapter(
            "Prove that nothing is lost",
            "Every message is read once more, from every tier, and compared with what was sent.",
        )
        fingerprint, digest, tier = Fingerprint(), RowsDigest(), self._tiers()
        found = dict.fromkeys(TIERS.values(), 0)
        # What was written on is not in the digests of what was written before.
        last = self.written.last_global_position
        messages = takewhile(
            lambda message: message.global_position <= last, self.store.get_all_messages()
        )
        with (
            self.screen.timed("prove"),
            step("read everything", total=self.written.messages, noun="messages") as running,
        ):
            for message in digested(messages, digest):
                fingerprint.add_read(message)
                found[tier(message.time)] += 1
                running.advance()
        rows = [
            *_proof("streams, positions, ids, JSON", self.written.fingerprint, fingerprint),
            *_proof("every column, to the byte", self._digest, digest),
        ]
        self.screen.table("Digests", _PROOF, rows)
        self.figures["digest"] = {"written": self._digest, "read": digest.hexdigest()}
        if self.figures["digest"]["written"] != self.figures["digest"]["read"] or (
            fingerprint.hexdigest() != self.written.fingerprint.hexdigest()
        ):
            raise DemoFailed("What is read is not what was written")
        self.screen.say(
            f"Equal, for {human_count(digest.count)} messages: "
            + ", ".join(f"{human_count(n)} from {name}" for name, n in found.items() if n)
            + "."
        )

    def _run(self, verb: str, call: Callable[[Lifecycle, bool], list[Chunk]]) -> list[Chunk]:
        """Run a verb of the lifecycle with its bar: ``call`` gets whether it is a dry run."""
        due = call(self.store.lifecycle, True)
        with self.screen.timed(verb), view.watching(verb, len(due), parts=False) as progress:
            return call(Lifecycle(self.store, progress=progress), False)

    def _measure(self, when: str) -> int:
        """Note all sizes; gives the bytes of the messages in the database."""
        chunks = self.store.lifecycle.get_chunks()
        rows = sum(c.row_bytes or 0 for c in chunks if c.in_database and not c.is_compressed)
        columnstore = sum(c.columnstore_bytes or 0 for c in chunks if c.is_compressed)
        size = {
            "when": when,
            "rows": rows,
            "columnstore": columnstore,
            "database": self._one("database_bytes"),
            "archive": sum(c.archive_bytes or 0 for c in chunks),
        }
        self._sizes.append(size)
        self.figures.setdefault("sizes", []).append(size)
        return rows + columnstore

    def _one(self, name: str, arguments: Sequence[Any] = ()) -> Any:
        with self.store.connection() as connection:
            row = connection.execute(query(name, self.store.schema).encode(), arguments).fetchone()
        assert row is not None
        return row[0]

    def _cold(self) -> list[Chunk]:
        """The chunks that are in the archive alone, oldest first.

        Raises:
            DemoFailed: there is none.
        """
        cold = [c for c in self.store.lifecycle.get_chunks() if c.tier == "cold"]
        if not cold:
            raise DemoFailed("No chunk was old enough to leave the database")
        return cold

    def _quiet_stream(self) -> str:
        """The shortest name of a stream whose messages have all left the database.

        Raises:
            DemoFailed: there is none.
        """
        edge = self._cold()[-1].range_end
        gone = [name for name, times in self.written.times.items() if times[-1] < edge]
        if not gone:
            raise DemoFailed("No stream has left the database")
        return min(gone, key=len)

    def _tiers(self) -> Callable[[datetime], str]:
        """Where a message of that time is."""
        chunks = self.store.lifecycle.get_chunks()

        def tier(time: datetime) -> str:
            return next(TIERS[c.tier] for c in chunks if c.range_start <= time < c.range_end)

        return tier

    def _show_tiers(self, title: str, messages: Sequence[Message]) -> None:
        tier = self._tiers()
        positions: dict[str, list[int]] = {}
        for message in messages:
            positions.setdefault(tier(message.time), []).append(message.position)
        rows = [
            {"tier": name, "messages": len(found), "first": found[0], "last": found[-1]}
            for name, found in positions.items()
        ]
        self.screen.table(title, _BY_TIER, rows)

    def _check_positions(self, name: str, messages: Sequence[Message], count: int) -> None:
        if [message.position for message in messages] != list(range(count)):
            raise DemoFailed(f"The positions of {name} are not 0 to {count - 1}")


def _proof(
    what: str, before: Fingerprint | str, after: Fingerprint | RowsDigest
) -> list[dict[str, str]]:
    sides = {
        "as written": before if isinstance(before, str) else before.hexdigest(),
        "as read": after.hexdigest(),
    }
    # Thirty-two digits are enough to look at; what is compared are all of them.
    return [
        {"what": what, "when": when, "digest": digest.rpartition(":")[2][:32]}
        for when, digest in sides.items()
    ]
