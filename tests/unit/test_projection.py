"""Folding, snapshots and the cache, without a database."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from threading import Lock
from typing import Any
from uuid import uuid4

import msgspec
import pydantic
import pytest

from coldstream import EntityCache, InvalidInput, Message, PayloadMismatch, Projection, Snapshots
from coldstream.entities.cache import Kept
from coldstream.entities.snapshots import is_newer, record, recorded
from coldstream.messages.json import encode_json
from coldstream.messages.payloads import encode


@dataclass
class Deposited:
    amount: Decimal


@dataclass
class Account:
    balance: Decimal = Decimal(0)
    notes: list[str] = field(default_factory=list)


def message(type: str, data: Any = None, position: int = 0) -> Message:
    moment = datetime(2025, 1, 2, tzinfo=UTC)
    return Message(
        uuid4(), "account-1", type, position, 1 + position, encode_json(data), None, moment
    )


def deposits() -> Projection[Account]:
    projection = Projection(Account)

    @projection.on(Deposited)
    def deposited(account: Account, event: Deposited) -> None:
        account.balance += event.amount

    return projection


def test_a_function_changes_the_state_or_returns_another() -> None:
    projection = deposits()

    @projection.on("Closed", "Reopened")
    def closed(account: Account, message: Message) -> Account:
        return Account(account.balance, [*account.notes, message.type])

    state = projection.fold(
        [
            message("Deposited", {"amount": 1}),
            message("Closed"),
            message("Unknown", {"amount": "what?"}),
            message("Deposited", {"amount": Decimal("0.10")}),
            message("Reopened"),
        ]
    )
    assert state == Account(Decimal("1.10"), ["Closed", "Reopened"])
    assert projection.fold([]) == Account()


def test_states_may_be_values() -> None:
    projection = Projection(lambda: 0)
    projection.on("Counted")(lambda count, message: count + message.data)
    assert projection.fold([message("Counted", 3), message("Counted", 4)]) == 7
    # Zero is a state, not a missing one.
    assert projection.fold([message("Counted", 3), message("Counted", -3)]) == 0


def test_a_third_parameter_gets_the_message() -> None:
    projection: Projection[list[Any]] = Projection(list)
    projection.on(Deposited)(lambda state, event, message: state.append((event, message.position)))
    projection.on("Closed")(lambda state, event, message: state.append(event is message))

    def defaults(state: list[Any], event: Any, limit: int = 5) -> None:
        state.append(limit)

    projection.on("Limited")(defaults)
    assert projection.fold(
        [message("Deposited", {"amount": 1}, 4), message("Closed"), message("Limited")]
    ) == [(Deposited(Decimal(1)), 4), True, 5]


def test_what_fails_says_at_which_message() -> None:
    projection = deposits()

    @projection.on("Closed")
    def closed(account: Account, message: Message) -> None:
        raise KeyError("no such thing")

    with pytest.raises(KeyError) as caught:
        projection.fold([message("Closed", None, 9)])
    assert caught.value.__notes__ == ["Projection Account, Closed at position 9 of account-1"]
    with pytest.raises(PayloadMismatch, match=r"\$\.amount"):
        projection.fold([message("Deposited", {"amount": "x"})])


def test_what_is_no_projection_is_refused() -> None:
    async def later(state: Any, event: Any) -> None: ...

    projection = deposits()
    for bad in (lambda: projection.on(), lambda: projection.on(int), lambda: projection.on(None)):  # type: ignore[arg-type]
        with pytest.raises(InvalidInput, match="Not a type of messages"):
            bad()
    with pytest.raises(InvalidInput, match="Messages of type Deposited have a function"):
        projection.on("Deposited")(lambda state, event: None)
    with pytest.raises(InvalidInput, match="async function cannot fold"):
        projection.on("Later")(later)
    for function in (lambda: None, lambda state: None, lambda a, b, c, d: None):
        with pytest.raises(InvalidInput, match="takes the state, the event"):
            projection.on("Wrong")(function)
    with pytest.raises(InvalidInput, match="Not callable: 0"):
        Projection(0)  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match="cannot be made without arguments"):
        Projection(Deposited)  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match="version of a projection"):
        Projection(Account, version="2")  # type: ignore[arg-type]


def test_snapshot_streams_are_named_as_eventide_does() -> None:
    assert Snapshots().stream_name("account-123") == "account:snapshot-123"
    assert Snapshots().stream_name("account-123-4") == "account:snapshot-123-4"
    assert Snapshots().stream_name("account:v2-123") == "account:v2+snapshot-123"
    assert Snapshots(category="balance").stream_name("account-1") == "balance:snapshot-1"
    for bad in ({"every": 0}, {"every": True}, {"category": "a-1"}, {"category": ""}):
        with pytest.raises(InvalidInput):
            Snapshots(**bad)


class Struct(msgspec.Struct):
    balance: Decimal = Decimal(0)


class Model(pydantic.BaseModel):
    balance: Decimal = Decimal(0)


class NoEquality(msgspec.Struct, eq=False):
    balance: Decimal = Decimal(0)


class NoEqualitySet(msgspec.Struct, eq=False):
    numbers: set[int]


STATES: list[Any] = [
    Account(Decimal("1.10"), ["x"]),
    Struct(Decimal("1.10")),
    Model(balance=Decimal("1.10")),
    NoEquality(Decimal("1.10")),
    # A set of these, made anew in its own order, has another one.
    NoEqualitySet({7, 15}),
    {"a": Decimal("1.10"), "b": [1, None, "x"]},
    [],
    7,
    "text",
    Decimal(7),
    {"x", "y"},
    1.5,
]


def kept(projection: Projection[Any], data: Any) -> Kept | None:
    return recorded(projection, message("Recorded", data))


@pytest.mark.parametrize("state", STATES, ids=lambda state: type(state).__name__)
def test_a_snapshot_gives_the_state_back(state: Any) -> None:
    projection = Projection(lambda: copy.deepcopy(state))
    data = record(projection, state, 12)
    assert {"entityData", "entityVersion", "time"} < set(data)
    found = kept(projection, data)
    assert found is not None
    assert (found.version, found.recorded) == (12, 12)
    assert type(found.state) is type(state)
    assert encode(found.state, order="deterministic") == encode(state, order="deterministic")


@pytest.mark.parametrize(
    "state",
    [{"a": 0.5}, {1: "x"}, {"a": (1, 2)}, [{1}], [1.5], {"when": datetime(2025, 1, 2, tzinfo=UTC)}],
    ids=repr,
)
def test_a_state_that_json_would_change_is_refused(state: Any) -> None:
    with pytest.raises(InvalidInput, match="cannot be kept in a snapshot") as caught:
        record(Projection(type(state)), state, 1)
    assert "dataclass" in (caught.value.hint or "")


def test_a_state_without_a_json_form_is_refused() -> None:
    class Plain:
        pass

    with pytest.raises(InvalidInput, match=r"Not JSON|snapshot"):
        record(Projection(Plain), Plain(), 1)


def test_a_snapshot_of_another_projection_is_not_used() -> None:
    data = record(deposits(), Account(), 3)
    assert kept(Projection(Account), data)
    assert kept(Projection(Account, version=2), data) is None
    assert kept(Projection(Account, name="Other"), data) is None
    for change in (
        {"entityVersion": None},
        {"entityVersion": -1},
        {"entityVersion": True},
        {"entityData": {"balance": "x"}},
        {"entityData": None},
        {"projectionVersion": None},
    ):
        assert kept(deposits(), data | change) is None
    others: list[Any] = [None, [], "x", {"entityData": {}, "entityVersion": 3, "time": "2025"}]
    for other in others:
        assert kept(deposits(), other) is None


def test_a_later_version_is_known() -> None:
    data = message("Recorded", record(Projection(Account, version=2), Account(), 3))
    assert is_newer(Projection(Account), data)
    assert not is_newer(Projection(Account, version=2), data)
    assert not is_newer(Projection(Account, name="Other"), data)


def test_a_cached_state_is_nobody_elses() -> None:
    cache = EntityCache()
    projection = Projection(Account)
    account = Account(Decimal(1), ["a"])
    cache.put("key", projection, Kept(account, 1))
    account.notes.append("after it was put")
    first = cache.get("key", projection)
    assert first is not None
    first.state.notes.append("after it was got")
    assert cache.get("key", projection) == Kept(Account(Decimal(1), ["a"]), 1)


def test_an_older_state_does_not_cover_a_later_one() -> None:
    cache = EntityCache()
    projection = Projection(int)
    cache.put("key", projection, Kept(5, 5))
    cache.put("key", projection, Kept(3, 3))
    assert cache.get("key", projection) == Kept(5, 5)
    cache.discard("key")
    assert cache.get("key", projection) is None


def test_what_was_used_least_lately_goes_first() -> None:
    cache = EntityCache(max_entries=2)
    projection = Projection(int)
    for name in "ab":
        cache.put(name, projection, Kept(0, 0))
    assert cache.get("a", projection)
    cache.put("c", projection, Kept(0, 0))
    assert [bool(cache.get(name, projection)) for name in "abc"] == [True, False, True]
    assert len(cache) == 2
    cache.clear()
    assert len(cache) == 0
    for bad in (0, -1, True, "9"):
        with pytest.raises(InvalidInput):
            EntityCache(bad)  # type: ignore[arg-type]


def test_a_state_that_cannot_be_copied_says_so() -> None:
    projection = Projection(Lock)
    with pytest.raises(InvalidInput, match="cannot be copied"):
        EntityCache().put("key", projection, Kept(Lock(), 0))
    same = Projection(Lock, copy=lambda state: state)
    EntityCache().put("key", same, Kept(Lock(), 0))
