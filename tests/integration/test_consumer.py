"""A consumer: each message once and in order, from where it was, whatever tier it is in."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import psycopg
import pytest
from tests.archive_files import matches
from tests.consuming import Consuming, Seen, consuming
from tests.fix_store import InstalledStore
from tests.fix_tiers import TierStore
from tests.history import history, insert, move, without_jobs

from coldstream import (
    Archived,
    ArchiveUnavailable,
    AsyncConsumer,
    ConsumerError,
    HandlerFailed,
    InvalidInput,
    Message,
    NewMessage,
)


@pytest.fixture
def store(store_schema: InstalledStore) -> Iterator[InstalledStore]:
    store_schema.run("DELETE FROM consumer_owners")
    store_schema.run("DELETE FROM consumers")
    store_schema.run("DELETE FROM consumer_failures")
    store_schema.run("CREATE TABLE IF NOT EXISTS public.done (id bigserial, what text NOT NULL)")
    store_schema.run("TRUNCATE public.done")
    yield store_schema
    store_schema.run("DROP TABLE public.done")


@pytest.fixture
def using(store: InstalledStore, kind: str) -> Iterator[Consuming]:
    with consuming(kind, store.dsn, schema=store.schema) as using:
        yield using


INSERT = "INSERT INTO public.done (what) VALUES (%s)"


def write(using: Consuming, *names: str, type: str = "Opened") -> None:
    count: dict[str, int] = {}
    messages = []
    for name in names:
        count[name] = count.get(name, 0) + 1
        messages.append(NewMessage(name, type, {"number": count[name]}))
    using.call("write_messages", messages)


def done(using: Consuming) -> list[str]:
    return [what for (what,) in using.query("SELECT what FROM public.done ORDER BY id")]


class Writes(Seen):
    """Handlers that write each message's stream and position to a table, in the transaction, and
    fail where they are told to."""

    def __init__(self, using: Consuming, failing: dict[str, int] | None = None) -> None:
        super().__init__()
        self.default = None
        self.failing = failing or {}
        self.attempts: list[tuple[str, int]] = []

        @self.default_handler
        def insert(message: Message, context: Any) -> Any:
            what = f"{message.stream_name}/{message.position}"
            self.messages.append(message)
            self.attempts.append((what, context.attempt))
            written = using.execute(context, INSERT, [what])
            if self.failing.get(what, 0) == 0:
                return written
            self.failing[what] -= 1
            return fail(written)

        def fail(written: Any) -> Any:
            if written is None:
                raise ValueError("not today")
            return fail_later(written)

        async def fail_later(written: Any) -> None:
            await written
            raise ValueError("not today")


@pytest.mark.parametrize("source", ["account", "account-1", "order", None])
def test_each_message_once_and_in_order(tier: TierStore, kind: str, source: str | None) -> None:
    installed = tier.installed
    seen = Seen()
    with consuming(kind, installed.dsn, schema=installed.schema) as using:
        consumer = using.consumer(source, f"each-{source}-{kind}", handlers=seen, batch_size=7)
        count = using.run(consumer)
        assert using.run(consumer) == 0
    expected = tier.truth
    if source is not None:
        expected = tier.of(source) if "-" in source else tier.of_category(source)
    if source is None:
        # Other tests append to one category.
        seen.messages = [m for m in seen.messages if m.category != "continued"]
        expected = [m for m in expected if m.category != "continued"]
        count = len(expected)
    assert seen.messages == expected
    assert count == len(expected)


@pytest.mark.parametrize("start", [1, 2, 3])
def test_a_group_has_each_message_once(tier: TierStore, kind: str, start: int) -> None:
    installed = tier.installed
    found: list[Message] = []
    members: list[set[str]] = []
    with consuming(kind, installed.dsn, schema=installed.schema) as using:
        position = tier.of_category("account")[start].global_position
        for member in range(3):
            seen = Seen()
            consumer = using.consumer(
                "account", handlers=seen, group_size=3, group_member=member, start=position
            )
            using.run(consumer)
            assert seen.positions == sorted(seen.positions)
            found += seen.messages
            members.append({m.stream_name.partition("+")[0] for m in seen.messages})
    # As in Message DB, a stream without an id falls to nobody.
    expected = [m for m in tier.of_category("account")[start:] if m.stream_name != "account"]
    assert sorted(found, key=lambda m: m.global_position) == expected
    assert set.intersection(*members) == set()


def test_only_what_is_correlated(tier: TierStore, kind: str) -> None:
    installed = tier.installed
    seen = Seen()
    with consuming(kind, installed.dsn, schema=installed.schema) as using:
        using.run(using.consumer("account", handlers=seen, correlation="order", batch_size=3))
    expected = [m for m in tier.of_category("account") if matches(m, correlation="order")]
    assert expected
    assert seen.messages == expected


def test_it_goes_on_where_it_was(using: Consuming) -> None:
    write(using, "account-1", "account-2", "order-1")
    first, second = Seen(), Seen()
    assert using.run(using.consumer("account", "a", handlers=first)) == 2
    write(using, "account-2", "order-1", "account-3")
    assert using.run(using.consumer("account", "a", handlers=second)) == 2
    assert [m.stream_name for m in first.messages + second.messages] == [
        "account-1",
        "account-2",
        "account-2",
        "account-3",
    ]
    [member] = using.consumers("get_consumers")
    assert (member.consumer, member.source, member.lag_messages) == ("a", "account", 0)
    assert member.position == second.positions[-1] + 1
    assert member.owner is None


@dataclass
class Opened:
    number: int


@dataclass
class Closed:
    number: int


def test_handlers_by_type(using: Consuming) -> None:
    write(using, "account-1", "account-1")
    write(using, "account-1", type="Closed")
    write(using, "account-1", type="Audited")
    write(using, "account-1", type="Forgotten")
    consumer = using.consumer("account", "a")
    got: list[Any] = []

    @consumer.handler
    def opened(event: Opened) -> None:
        got.append(event)

    @consumer.handler(Closed)
    def closed(event: Any, context: Any) -> None:
        got.append((event, context.message.position, context.consumer, context.member))

    @consumer.handler("Audited")
    def audited(data: dict[str, int]) -> None:
        got.append(data)

    assert using.run(consumer) == 5
    assert got == [Opened(1), Opened(2), (Closed(1), 2, "a", 0), {"number": 1}]


def test_stopped_before_it_runs(using: Consuming) -> None:
    write(using, "account-1")
    consumer = using.consumer("account", "a", handlers=Seen())
    consumer.stop()
    assert using.run(consumer) == 0
    assert using.run(consumer) == 1


def test_one_consumer_runs_once_at_a_time(using: Consuming, kind: str) -> None:
    write(using, "account-1")
    errors: list[str] = []
    consumer = using.consumer("account", "a")

    @consumer.default_handler
    def again(message: Message) -> Any:
        if kind == "async":
            return again_later()
        with pytest.raises(ConsumerError, match="a is running already"):
            consumer.run(live=False)
        return errors.append("refused")

    async def again_later() -> None:
        with pytest.raises(ConsumerError, match="a is running already"):
            await cast(AsyncConsumer, consumer).run(live=False)
        errors.append("refused")

    assert using.run(consumer) == 1
    assert errors == ["refused"]


def test_what_has_an_end_does_not_wait_for_ever(using: Consuming) -> None:
    write(using, "account-1")
    consumer = using.consumer("account", "a", attempts=3, first_pause=0.001)
    attempts: list[int] = []

    # As the server reports it over the handler's own connection.
    statement = "DO $$ BEGIN RAISE EXCEPTION 'going away' USING ERRCODE = '57P01'; END $$"

    @consumer.default_handler
    def away(message: Message, context: Any) -> Any:
        attempts.append(context.attempt)
        return using.execute(context, statement, None)

    with pytest.raises(psycopg.OperationalError, match="going away"):
        using.run(consumer)
    # Nobody's fault: not an attempt at the message.
    assert attempts == [1, 1, 1]
    assert using.consumers("get_failures") == []


@pytest.mark.parametrize("on_failure", ["stop", "skip"])
def test_a_payload_that_does_not_fit(using: Consuming, on_failure: str) -> None:
    using.call("write_message", "account-1", "Opened", {"number": "one"})
    using.call("write_message", "account-1", "Opened", {"number": 2})
    got: list[int] = []
    # No attempt after the first would make it fit: none is waited for.
    consumer = using.consumer("account", "a", on_failure=on_failure, first_pause=1000)

    @consumer.handler
    def opened(event: Opened) -> None:
        got.append(event.number)

    if on_failure == "skip":
        assert using.run(consumer) == 2
        [failure] = using.consumers("get_failures")
        assert failure.attempts == 1
        assert "does not fit Opened" in failure.error
        assert got == [2]
    else:
        with pytest.raises(HandlerFailed, match="PayloadMismatch: Opened at position 0") as caught:
            using.run(consumer)
        assert "Make the field optional" in f"{caught.value.hint}"
        assert got == []


def test_what_handlers_cannot_be(using: Consuming) -> None:
    consumer = using.consumer("account", "a")
    with pytest.raises(InvalidInput, match="has no handlers"):
        using.run(consumer)

    with pytest.raises(InvalidInput, match="Of which type"):

        @consumer.handler
        def unknown(event: Any) -> None: ...

    with pytest.raises(InvalidInput, match="A handler takes what the message says"):

        @consumer.handler("A")
        def three(event: Any, context: Any, more: Any) -> None: ...

    @consumer.handler("A")
    def once(event: Any) -> None: ...

    with pytest.raises(InvalidInput, match="type A have a handler"):
        consumer.handler("A")(once)
    with pytest.raises(InvalidInput, match="there is another"):
        consumer.batch_handler(once)


def test_an_async_handler_needs_the_async_consumer(using: Consuming, kind: str) -> None:
    write(using, "account-1")
    got: list[Message] = []
    consumer = using.consumer("account", "a", attempts=1)

    @consumer.default_handler
    async def keep(message: Message) -> None:
        got.append(message)

    if kind == "async":
        assert using.run(consumer) == 1
        assert len(got) == 1
    else:
        with pytest.raises(HandlerFailed, match="needs the async store"):
            using.run(consumer)


def test_batches(using: Consuming) -> None:
    write(using, *["account-1"] * 25)
    sizes: list[int] = []
    consumer = using.consumer("account", "a", batch_size=10)

    @consumer.batch_handler
    def batch(messages: list[Message], context: Any) -> Any:
        sizes.append(len(messages))
        assert context.message is messages[-1]
        return using.execute(context, INSERT, [",".join(str(m.position) for m in messages)])

    assert using.run(consumer) == 25
    assert sum(sizes) == 25
    assert max(sizes) == 10
    assert ",".join(done(using)) == ",".join(map(str, range(25)))


def test_a_batch_that_fails_is_handled_one_by_one(using: Consuming) -> None:
    write(using, *["account-1"] * 5)
    consumer = using.consumer("account", "a", attempts=1, on_failure="skip")
    sizes: list[int] = []

    @consumer.batch_handler
    def batch(messages: list[Message], context: Any) -> Any:
        sizes.append(len(messages))
        if any(m.position == 3 for m in messages):
            raise ValueError("not three")
        return using.execute(context, INSERT, [",".join(str(m.position) for m in messages)])

    assert using.run(consumer) == 5
    assert sizes == [5, 1, 1, 1, 1, 1]
    assert done(using) == ["0", "1", "2", "4"]


@pytest.mark.parametrize("size", [1, 4, 100])
def test_what_a_handler_does_is_there_once(using: Consuming, size: int) -> None:
    write(using, *[f"account-{number % 3}" for number in range(20)])
    # Two failures in one transaction, one of them twice.
    failing = {"account-1/2": 1, "account-2/2": 2}
    handlers = Writes(using, failing)
    consumer = using.consumer(
        "account", "a", handlers=handlers, transaction_size=size, first_pause=0.001
    )
    assert using.run(consumer) == 20
    expected = [f"account-{number % 3}/{number // 3}" for number in range(20)]
    assert done(using) == expected
    assert set(failing.values()) == {0}
    assert ("account-2/2", 2) in handlers.attempts


def test_a_handler_that_fails_stops_the_consumer(using: Consuming) -> None:
    write(using, *["account-1"] * 5)
    handlers = Writes(using, {"account-1/3": 9})
    consumer = using.consumer(
        "account", "a", handlers=handlers, attempts=3, transaction_size=10, first_pause=0.001
    )
    with pytest.raises(HandlerFailed, match=r"account-1, 3\) in 3 attempts: ValueError") as caught:
        using.run(consumer)
    error = caught.value
    assert error.message is not None
    assert (error.message.position, error.attempts) == (3, 3)
    assert isinstance(error.__cause__, ValueError)
    assert done(using) == ["account-1/0", "account-1/1", "account-1/2"]
    [member] = using.consumers("get_consumers")
    assert (member.position, member.lag_messages) == (error.message.global_position, 2)
    assert member.lag_seconds > 0
    # The handler was repaired.
    assert using.run(using.consumer("account", "a", handlers=Writes(using))) == 2
    assert done(using) == [f"account-1/{number}" for number in range(5)]


def test_a_message_is_skipped_and_recorded(using: Consuming) -> None:
    write(using, *["account-1"] * 4)
    consumer = using.consumer(
        "account",
        "a",
        handlers=Writes(using, {"account-1/1": 9}),
        attempts=2,
        on_failure="skip",
        first_pause=0.001,
    )
    assert using.run(consumer) == 4
    assert done(using) == ["account-1/0", "account-1/2", "account-1/3"]
    [failure] = using.consumers("get_failures")
    assert (failure.stream_name, failure.position, failure.attempts) == ("account-1", 1, 2)
    assert (failure.error, failure.dead_letter_stream) == ("ValueError: not today", None)
    [member] = using.consumers("get_consumers")
    assert (member.failures, member.lag_messages) == (1, 0)


def test_a_message_becomes_a_dead_letter(using: Consuming) -> None:
    using.call("write_message", "account-1", "Opened", {"n": 1.50}, {"properties": {"p": 1}})
    using.call("write_message", "account-1", "Opened", {"n": 2})
    consumer = using.consumer(
        "account",
        "a",
        handlers=Writes(using, {"account-1/0": 9}),
        attempts=1,
        on_failure="dead_letter",
    )
    assert using.run(consumer) == 2
    assert done(using) == ["account-1/1"]
    [failure] = using.consumers("get_failures", "a")
    assert failure.dead_letter_stream == "account:deadLetter-a"
    letter = using.call("get_last_stream_message", "account:deadLetter-a")
    assert (letter.type, letter.data_text, letter.position) == ("Opened", '{"n": 1.5}', 0)
    assert letter.metadata["deadLetter"] == {
        "consumer": "a",
        "attempts": 1,
        "error": "ValueError: not today",
    }
    assert letter.metadata["properties"] == {"p": 1}


def test_a_handler_that_hides_an_error_of_its_transaction(using: Consuming, kind: str) -> None:
    # The transaction has failed: to record the position in it would lose the message.
    write(using, "account-1")
    consumer = using.consumer("account", "a", attempts=1)
    broken = "INSERT INTO nowhere VALUES (%s)"

    def hide(message: Message, context: Any) -> None:
        with suppress(psycopg.Error):
            using.execute(context, broken, [1])

    async def hide_later(message: Message, context: Any) -> None:
        with suppress(psycopg.Error):
            await using.execute(context, broken, [1])

    consumer.default_handler(hide if kind == "sync" else hide_later)

    with pytest.raises(HandlerFailed, match="aborted"):
        using.run(consumer)
    [member] = using.consumers("get_consumers")
    assert member.lag_messages == 1


def test_messages_written_by_a_handler_are_there_once(using: Consuming) -> None:
    write(using, "command-1", "command-2", "command-3")
    failing = {"command-2": 1}
    consumer = using.consumer("command", "a", first_pause=0.001)

    @consumer.default_handler
    def handle(message: Message, context: Any) -> Any:
        written = context.write_message("event-1", "Done", {"of": message.stream_name})
        if failing.pop(message.stream_name, 0):
            return fail(written)
        return None if hasattr(written, "position") else written

    def fail(written: Any) -> Any:
        if hasattr(written, "position"):
            raise ValueError("not today")
        return fail_later(written)

    async def fail_later(written: Any) -> None:
        await written
        raise ValueError("not today")

    assert using.run(consumer) == 3
    rows = using.query(
        "SELECT data ->> 'of', position FROM message_store.messages WHERE stream_category = 'event'"
    )
    assert sorted(rows) == [("command-1", 0), ("command-2", 1), ("command-3", 2)]


def test_without_a_name_each_run_begins_anew(using: Consuming) -> None:
    write(using, "account-1", "account-1")
    for _ in range(2):
        assert using.run(using.consumer("account", handlers=Seen())) == 2
    assert using.run(using.consumer("account", handlers=Seen(), start="end")) == 0
    assert using.run(using.consumer("account-1", handlers=Seen(), start="end")) == 0
    assert using.run(using.consumer("account-1", handlers=Seen(), start=1)) == 1
    assert using.consumers("get_consumers") == []


@pytest.mark.parametrize("source", ["account", "account-1", None])
def test_from_the_end(using: Consuming, source: str | None) -> None:
    write(using, "account-1", "account-1")
    seen = Seen()
    consumer = using.consumer(source, "a", handlers=seen, start="end")
    assert using.run(consumer) == 0
    write(using, "account-1")
    assert using.run(consumer) == 1
    assert [m.position for m in seen.messages] == [2]


def test_positions_in_a_stream(using: Consuming) -> None:
    # As Eventide's consumers leave it: the position of the last message that was handled.
    write(using, *["account-1"] * 5)
    second = Seen()
    positions = [m.global_position for m in using_all(using, "account")]
    using.call("write_message", "account:position-a", "Recorded", {"position": positions[1]})
    consumer = using.consumer("account", "a", handlers=second, positions="stream")
    assert using.run(consumer) == 3
    assert second.positions == positions[2:]
    last = using.call("get_last_stream_message", "account:position-a")
    assert (last.type, last.data, last.position) == ("Recorded", {"position": positions[-1]}, 1)
    assert using.run(consumer) == 0
    assert using.consumers("get_consumers") == []


def using_all(using: Consuming, category: str) -> list[Message]:
    seen = Seen()
    using.run(using.consumer(category, handlers=seen))
    return seen.messages


def test_a_position_that_was_rolled_back_is_written_again(using: Consuming) -> None:
    # The commit fails, with the position in it: it is not another process's doing.
    write(using, *["account-1"] * 4)
    using.query(
        "ALTER TABLE public.done ADD CONSTRAINT once UNIQUE (what) DEFERRABLE INITIALLY DEFERRED"
    )
    what = iter(["0", "1", "1", "2", "3"])
    consumer = using.consumer(
        "account", "a", positions="stream", position_update_interval=1, first_pause=0.001
    )

    @consumer.default_handler
    def handle(message: Message, context: Any) -> Any:
        return using.execute(context, INSERT, [next(what)])

    assert using.run(consumer) == 4
    assert done(using) == ["0", "1", "2", "3"]
    assert using.call("stream_version", "account:position-a") == 3


def test_a_position_stream_of_two_processes(using: Consuming) -> None:
    write(using, *["account-1"] * 3)
    consumer = using.consumer("account", "a", positions="stream", attempts=1)

    @consumer.default_handler
    def handle(message: Message, context: Any) -> Any:
        if message.position == 2:
            return using.execute(
                context,
                "SELECT message_store.write_message(gen_random_uuid()::text, "
                "'account:position-a', 'Recorded', %s)",
                ['{"position": 1}'],
            )
        return None

    with pytest.raises(ConsumerError, match="Another process has recorded a position"):
        using.run(consumer)


def test_a_position_stream_that_holds_something_else(using: Consuming) -> None:
    using.call("write_message", "account:position", "Recorded", {"position": "x"})
    consumer = using.consumer("account", handlers=Seen(), positions="stream")
    with pytest.raises(ConsumerError, match="No position in account:position at 0"):
        using.run(consumer)


def test_positions_of_the_users(using: Consuming, kind: str) -> None:
    write(using, *["account-1"] * 4)
    kept: list[int] = []

    class Plain:
        def load(self) -> int | None:
            return kept[-1] if kept else None

        def save(self, position: int, connection: Any) -> None:
            kept.append(position)

    class Awaited(Plain):
        async def load(self) -> int | None:  # type: ignore[override]
            return super().load()

        async def save(self, position: int, connection: Any) -> None:  # type: ignore[override]
            super().save(position, connection)

    positions = Plain() if kind == "sync" else Awaited()
    seen = Seen()
    consumer = using.consumer("account", "a", handlers=seen, positions=positions)
    assert using.run(consumer) == 4
    assert kept[-1] == seen.positions[-1] + 1
    assert using.run(consumer) == 0
    with pytest.raises(InvalidInput, match="must be 'database', 'stream'"):
        using.consumer("account", "a", handlers=seen, positions=object())


def test_a_name_is_one_consumer(using: Consuming) -> None:
    using.run(using.consumer("account", "a", handlers=Seen()))
    with pytest.raises(ConsumerError, match="Consumer a reads account, not order"):
        using.run(using.consumer("order", "a", handlers=Seen()))
    with pytest.raises(ConsumerError, match="Consumer a reads account, not everything"):
        using.run(using.consumer(None, "a", handlers=Seen()))
    with pytest.raises(ConsumerError, match="is divided among 1 members, not 2"):
        using.run(using.consumer("account", "a", handlers=Seen(), group_size=2))


def test_a_position_that_cannot_be(using: Consuming) -> None:
    # A store that was restored from a backup gives the positions again that a consumer is past.
    write(using, "account-1")
    using.run(using.consumer("account", "a", handlers=Seen()))
    using.query("UPDATE message_store.consumers SET position = position + 1000")
    with pytest.raises(ConsumerError, match=r"at position \d+, and the next message gets \d+"):
        using.run(using.consumer("account", "a", handlers=Seen()))
    with pytest.raises(ConsumerError, match="cannot go to position 99999"):
        using.consumers("reset", "a", 99999)
    assert using.consumers("reset", "a", 0) == 1
    assert using.run(using.consumer("account", "a", handlers=Seen())) == 1
    assert using.consumers("reset", "a", None) == 1
    assert using.run(using.consumer("account", "a", handlers=Seen())) == 0
    with pytest.raises(ConsumerError, match="at position 99999"):
        using.run(using.consumer("account", "b", handlers=Seen(), start=99999))
    for source in ("account", "account-1", None):
        with pytest.raises(ConsumerError, match=r"Position 99999 of .* is beyond the end"):
            using.run(using.consumer(source, handlers=Seen(), start=99999))


def test_pause_and_delete(using: Consuming) -> None:
    write(using, "account-1")
    seen = Seen()
    consumer = using.consumer("account", "a", handlers=seen, lease=0.3)
    using.run(consumer)
    for name in ("pause", "resume", "delete"):
        assert using.consumers(name, "a") == 1
    for name in ("pause", "resume", "delete"):
        with pytest.raises(ConsumerError, match="No consumer of this name: a"):
            using.consumers(name, "a")
    assert using.consumers("get_consumers") == []


def test_a_member_that_gets_no_message_goes_on(using: Consuming) -> None:
    # Otherwise each look would read past the whole category.
    names = [f"account-{number}" for number in range(8)]
    write(using, *names)
    [(member,)] = using.query("SELECT mod(@message_store.hash_64('0'), 2)")
    other = 1 - member
    write(using, *["account-0"] * 50)
    consumer = using.consumer("account", "a", handlers=Seen(), group_size=2, group_member=other)
    using.run(consumer)
    [found] = [m for m in using.consumers("get_consumers") if m.member == other]
    assert found.position == using_all(using, "account")[-1].global_position + 1


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"batch_size": 0}, "batch_size must be"),
        ({"lease": 0}, "lease must be seconds"),
        ({"attempts": 1.5}, "attempts must be"),
        ({"on_failure": "ignore"}, "on_failure must be"),
        ({"start": "middle"}, "start must be"),
        ({"group_size": 2, "group_member": 2}, "must be less than the group size"),
        ({"on_failure": "skip"}, "needs a name"),
        ({"group_size": 2}, "shared among processes by the database"),
    ],
)
def test_what_cannot_be_meant(using: Consuming, options: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        using.consumer("account", handlers=Seen(), **options)


@pytest.mark.parametrize("source", [None, "account-1"])
def test_only_a_category_is_divided(using: Consuming, source: str | None) -> None:
    with pytest.raises(InvalidInput, match="Only the streams of a category"):
        using.consumer(source, "a", handlers=Seen(), group_size=2)
    with pytest.raises(InvalidInput, match="belongs to a category"):
        using.consumer(source, "a", handlers=Seen(), positions="stream")


def test_a_name_is_text(using: Consuming) -> None:
    with pytest.raises(InvalidInput, match="name of a consumer"):
        using.consumer("account", "", handlers=Seen())


def test_history_that_cannot_be_read(
    fresh_store: InstalledStore, kind: str, tmp_path: Path
) -> None:
    installed = without_jobs(fresh_store)
    insert(installed, history())
    move(installed, tmp_path.as_uri(), "archived")
    shutil.rmtree(tmp_path)
    said = r"^a is at 0 of account, where history cannot be read: "
    with consuming(kind, installed.dsn, schema=installed.schema) as using:
        for options, error in (({}, ArchiveUnavailable), ({"tiers": "database"}, Archived)):
            with pytest.raises(error, match=said) as caught:
                using.run(using.consumer("account", "a", handlers=Seen(), **options))
            assert "reset the consumer" in f"{caught.value.hint}"
        [member] = using.consumers("get_consumers")
        assert (member.position, member.owner) == (0, None)
