"""What handlers raise: whose it is, odd as it may be, and what would wait for itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from tests.consuming import AsyncConsuming, Consuming, Seen, SyncConsuming, consuming
from tests.fix_store import InstalledStore

import coldstream
from coldstream import (
    ConsumerError,
    HandlerFailed,
    Handlers,
    InvalidInput,
    Message,
    NewMessage,
)

# A port that nobody listens at.
NOWHERE = "host=127.0.0.1 port=1 dbname=other connect_timeout=2"


@pytest.fixture
def store(store_schema: InstalledStore) -> InstalledStore:
    for table in ("consumer_owners", "consumers", "consumer_failures"):
        store_schema.run(f"DELETE FROM {table}")
    return store_schema


@pytest.fixture
def using(store: InstalledStore, kind: str) -> Iterator[Consuming]:
    with consuming(kind, store.dsn, schema=store.schema) as using:
        yield using


def write(using: Consuming, *names: str) -> None:
    for name in names:
        using.call("write_message", name, "Opened", {})


def failing(body: Callable[[], Any], at: int = 1) -> Handlers:
    """Does something at one message of each stream."""
    handlers = Handlers()

    @handlers.default_handler
    def handle(message: Message) -> None:
        if message.position == at:
            body()

    return handlers


class Unprintable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


ODD = {
    "surrogate": ValueError("bad \udcff name"),
    "NUL": ValueError("a\0b"),
    "long": ValueError("x" * 100_000),
    "unprintable": Unprintable(),
}


@pytest.mark.parametrize("error", ODD.values(), ids=list(ODD))
@pytest.mark.parametrize("on_failure", ["skip", "dead_letter"])
def test_an_odd_error_is_recorded(using: Consuming, error: Exception, on_failure: str) -> None:
    write(using, "account-1", "account-1", "account-1")

    def fail() -> None:
        raise error

    consumer = using.consumer(
        "account",
        "odd",
        handlers=failing(fail),
        attempts=2,
        first_pause=0.01,
        on_failure=on_failure,
    )
    assert using.run(consumer) == 3
    [failure] = using.consumers("get_failures", "odd")
    assert failure.position == 1
    assert (failure.dead_letter_stream is not None) == (on_failure == "dead_letter")


@pytest.mark.parametrize(
    ("stream_name", "type", "is_letter"),
    [
        ("account-1", "T" * 2_700, False),
        ("account-1", "T" * 100_000, False),
        ("c" * 2_590 + "-1", "T", False),
        ("account-" + "s" * 2_000, "T", True),
    ],
    ids=["long type", "longer type", "long category", "long stream name"],
)
def test_what_cannot_be_a_dead_letter_is_recorded(
    using: Consuming, store: InstalledStore, stream_name: str, type: str, is_letter: bool
) -> None:
    using.query(
        "INSERT INTO message_store.messages (stream_name, position, type, data) "
        f"VALUES ('{stream_name}', 0, '{type}', '{{}}'), ('{stream_name}', 1, 'Opened', '{{}}')"
    )

    def fail() -> None:
        raise ValueError("not this one")

    consumer = using.consumer(
        stream_name.partition("-")[0],
        "odd",
        handlers=failing(fail, at=0),
        attempts=1,
        on_failure="dead_letter",
    )
    assert using.run(consumer) == 2
    [failure] = using.consumers("get_failures", "odd")
    assert (failure.dead_letter_stream is not None) == is_letter
    assert ("no dead letter: InvalidInput" in failure.error) == (not is_letter)


def connect_elsewhere() -> None:
    psycopg.connect(NOWHERE)


def connect_to_another_store() -> None:
    coldstream.connect(NOWHERE).open()


def raise_by_hand() -> None:
    raise psycopg.OperationalError("the other database is away")


@pytest.mark.parametrize("body", [connect_elsewhere, connect_to_another_store, raise_by_hand])
def test_the_error_of_another_database_is_the_policys(
    using: Consuming, body: Callable[[], None]
) -> None:
    write(using, "account-1", "account-1", "account-1")
    calls = []

    def fail() -> None:
        calls.append(1)
        body()

    options: dict[str, Any] = {"attempts": 2, "first_pause": 0.01}
    consumer = using.consumer(
        "account", "other", handlers=failing(fail), on_failure="skip", **options
    )
    assert using.run(consumer) == 3
    assert len(calls) == 2
    assert len(using.consumers("get_failures", "other")) == 1
    with pytest.raises(HandlerFailed, match="in 2 attempts"):
        using.run(using.consumer("account", "strict", handlers=failing(fail), **options))


@pytest.mark.parametrize("over", ["context", "store"])
def test_what_no_message_is_to_blame_for_is_tried_again(using: Consuming, over: str) -> None:
    # A deadlock, as the server would report it, over the handler's connection or the store's own.
    write(using, "account-1", "account-1", "account-1")
    statement = "DO $$ BEGIN RAISE EXCEPTION 'in the way' USING ERRCODE = '40P01'; END $$"
    handlers = Handlers()
    calls: list[int] = []

    @handlers.default_handler
    def handle(message: Message, context: Any) -> Any:
        if message.position == 2:
            consumer.stop()
        if message.position != 1 or len(calls) == 4:
            return None
        calls.append(1)
        if over == "context":
            return using.execute(context, statement, None)
        return in_the_way() if isinstance(using, SyncConsuming) else in_the_way_async()

    def in_the_way() -> None:
        assert isinstance(using, SyncConsuming)
        with using.store.connection() as connection:
            connection.execute(statement.encode())

    async def in_the_way_async() -> None:
        assert isinstance(using, AsyncConsuming)
        async with using.store.connection() as connection:
            await connection.execute(statement.encode())

    consumer = using.consumer(
        "account", "once", handlers=handlers, attempts=2, on_failure="skip", longest_pause=0.01
    )
    assert using.run_live(consumer) == 3
    assert len(calls) == 4
    assert using.consumers("get_failures", "once") == []


def written_then(
    using: Consuming, write: Callable[[Any], Any], then: Callable[[Any], Any]
) -> type[Exception] | None:
    """What a handler gets that writes in its transaction and then uses the store."""
    handlers, raised = Handlers(), []

    def handle(message: Message, context: Any) -> None:
        write(context)
        try:
            then(context.store)
        except Exception as error:
            raised.append(type(error))

    async def handle_async(message: Message, context: Any) -> None:
        await write(context)
        try:
            result = then(context.store)
            if hasattr(result, "__aiter__"):
                [each async for each in result]
            else:
                await result
        except Exception as error:
            raised.append(type(error))

    handlers.default_handler(handle if isinstance(using, SyncConsuming) else handle_async)
    assert using.run(using.consumer("account", "w", handlers=handlers)) == 1
    return raised[0] if raised else None


def write_plainly(using: Consuming, context: Any) -> Any:
    statement = (
        "SELECT message_store.write_message(gen_random_uuid()::varchar, 'order-1', 'T', '{}')"
    )
    return using.execute(context, statement, None)


WAITING: dict[str, Callable[[Any], Any]] = {
    "write": lambda store: store.write_message("order-2", "T", {}),
    "writes": lambda store: store.write_messages([NewMessage("order-2", "T", {})]),
    "read everything": lambda store: (
        list(store.get_all_messages()) if hasattr(store, "__enter__") else store.get_all_messages()
    ),
    "end": lambda store: store.consumers.position_at(None, None),
}


@pytest.mark.native
@pytest.mark.parametrize("then", WAITING.values(), ids=list(WAITING))
@pytest.mark.parametrize("plainly", [False, True])
def test_what_would_wait_for_its_own_transaction_is_refused(
    using: Consuming, then: Callable[[Any], Any], plainly: bool
) -> None:
    write(using, "account-1")

    def write_first(context: Any) -> Any:
        if plainly:
            return write_plainly(using, context)
        return context.write_message("order-1", "T", {})

    assert written_then(using, write_first, then) is ConsumerError


@pytest.mark.native
def test_what_does_not_wait_is_not_refused(using: Consuming) -> None:
    write(using, "account-1")
    sync = isinstance(using, SyncConsuming)

    def write_first(context: Any) -> Any:
        return context.write_message("order-1", "T", {})

    def write_elsewhere(store: Any) -> Any:
        return store.write_message("other-1", "T", {})

    def read(store: Any) -> Any:
        messages = store.get_stream_messages("order-1")
        return list(messages) if sync else messages

    assert written_then(using, write_first, write_elsewhere) is None
    using.consumers("delete", "w")
    assert written_then(using, write_first, read) is None
    # The transaction is over by then.
    assert using.call("write_message", "order-3", "T", {}).position == 0


def test_a_handler_that_wants_a_second_connection_of_one(store: InstalledStore, kind: str) -> None:
    with consuming(kind, store.dsn, schema=store.schema, max_size=1) as using:
        write(using, "account-1")

        def take(context: Any) -> Any:
            return using.execute(context, "SELECT 1", None)

        def write_by_the_store(store: Any) -> Any:
            return store.write_message("other-1", "T", {})

        assert written_then(using, take, write_by_the_store) is ConsumerError


@pytest.mark.parametrize(
    ("arguments", "options", "error"),
    [
        (("", "a"), {}, "everything: ''"),
        (("account", ""), {}, "must be text"),
        (("account", "a\0b"), {}, "must not contain NUL"),
        (("account", "\udcff"), {}, "not Unicode"),
        (("account", "a" * 3_000), {}, "too long"),
        (("acc\0unt", "a"), {}, "must not contain NUL"),
        (("account", "a"), {"group_size": 200_000}, "1024 at most"),
        (("account", "a"), {"group_size": True}, "whole number"),
        (("account", "a"), {"lease": 1e9}, "less than a day"),
        (("account", "a"), {"start": 2**63}, "out of range"),
    ],
)
def test_what_cannot_be_meant(
    using: Consuming, arguments: tuple[str, str], options: dict[str, Any], error: str
) -> None:
    with pytest.raises(InvalidInput, match=error):
        using.consumer(*arguments, handlers=Seen(), **options)
