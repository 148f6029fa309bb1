"""What no server would take is refused, in one line, and nothing is written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.clients import Client
from tests.fix_store import InstalledStore

from coldstream import InvalidInput, JsonText, NewMessage, NotACategory, NotAStream


class NotJson:
    """A value no JSON has, whose name in a test's id is the same in every process."""

    def __repr__(self) -> str:
        return "NotJson()"


NOT_JSON = NotJson()


@pytest.fixture
def client(module_store: InstalledStore, open_client: Callable[..., Client]) -> Client:
    return open_client(module_store)


def refused(client: Client, call: str, *args: Any, **kwargs: Any) -> InvalidInput:
    with pytest.raises(InvalidInput) as caught:
        getattr(client, call)(*args, **kwargs)
    assert "\n" not in str(caught.value)
    assert client.get_all_messages() == []
    return caught.value


@pytest.mark.parametrize("id", ["", "abc", "00000000-0000-0000-0000-00000000000g", 7])
def test_id(client: Client, id: Any) -> None:
    assert str(refused(client, "write_message", "account-1", "T", id=id)) == f"Not a UUID: {id!r}"
    refused(client, "write_messages", [NewMessage("account-1", "T", id=id)])


@pytest.mark.parametrize("name", ["account-\0", "\0"])
def test_nul_in_a_name(client: Client, name: str) -> None:
    refused(client, "write_message", name, "T")
    refused(client, "write_message", "account-1", name)
    refused(client, "get_last_stream_message", name)
    refused(client, "get_last_stream_message", "account-1", name)
    refused(client, "stream_version", name)
    refused(client, "get_category_messages", name.replace("-", ""))
    refused(client, "get_category_messages", "account", correlation=name.replace("-", ""))


def test_surrogate_in_a_name(client: Client) -> None:
    refused(client, "write_message", "account-\ud800", "T")
    refused(client, "get_last_stream_message", "account-1", "\ud800")


@pytest.mark.parametrize("name", ["account-" + "x" * 2593, "account-" + "ü" * 1297])
def test_too_long_a_name(client: Client, name: str) -> None:
    assert "is too long: 260" in str(refused(client, "write_message", name, "T"))


def test_a_name_that_is_not_text(client: Client) -> None:
    refused(client, "write_message", 7, "T")
    refused(client, "write_message", "account-1", None)
    refused(client, "get_stream_messages", None)


@pytest.mark.parametrize("name", [7, None, ["account-1"], b"account-1", "\0", "\ud800", "x" * 2601])
def test_a_name_among_others(client: Client, name: Any) -> None:
    good = NewMessage("account-1", "T")
    refused(client, "write_messages", [good, NewMessage(name, "T"), good])
    refused(client, "write_messages", [good, NewMessage("account-1", name), good])


@pytest.mark.parametrize(
    "value",
    [
        float("nan"),
        [float("inf")],
        {"a": NOT_JSON},
        {1, 2},
        b"bytes",
        {"a": "\0"},
        {"a\0": 1},
        {"a": "\ud800"},
        JsonText("{"),
        JsonText(""),
        JsonText('"\\u0000"'),
        JsonText('"\\ud800"'),
        JsonText('"\ud800"'),
        JsonText("1e999999"),
    ],
    ids=repr,
)
@pytest.mark.parametrize("column", ["data", "metadata"])
def test_json(client: Client, column: str, value: Any) -> None:
    refused(client, "write_message", "account-1", "T", **{column: value})
    refused(client, "write_messages", [NewMessage("account-1", "T", **{column: value})])


@pytest.mark.native  # the embedded server's stack is deeper
def test_json_text_that_is_nested_too_deep(client: Client) -> None:
    refused(client, "write_message", "account-1", "T", JsonText("[" * 100_000 + "]" * 100_000))


def test_json_that_is_nested_too_deep(client: Client) -> None:
    value: list[Any] = []
    for _ in range(100_000):
        value = [value]
    refused(client, "write_message", "account-1", "T", value)


@pytest.mark.parametrize("number", [2**63, -(2**63) - 1])
def test_a_number_that_no_position_can_have(client: Client, number: int) -> None:
    refused(client, "write_message", "account-1", "T", expected_version=number)
    refused(client, "write_messages", [NewMessage("account-1", "T")], {"account-1": number})
    if number > 0:
        refused(client, "get_stream_messages", "account-1", number)
        refused(client, "get_category_messages", "account", number)
        refused(client, "get_all_messages", number)


def test_batch_size(client: Client) -> None:
    for size in (0, -1, 2**63):
        refused(client, "get_stream_messages", "account-1", batch_size=size)
        refused(client, "get_category_messages", "account", batch_size=size)
        refused(client, "get_all_messages", batch_size=size)


def test_a_category_is_no_stream(client: Client) -> None:
    error = refused(client, "get_stream_messages", "account")
    assert isinstance(error, NotAStream)
    assert error.hint == "A stream name is a category, a dash and an id, such as account-123."


def test_a_stream_is_no_category(client: Client) -> None:
    error = refused(client, "get_category_messages", "account-1")
    assert isinstance(error, NotACategory)


def test_correlation_is_a_category(client: Client) -> None:
    error = refused(client, "get_category_messages", "account", correlation="order-1")
    assert str(error) == "Correlation must be a category (Correlation: order-1)"


@pytest.mark.parametrize(
    ("member", "size", "problem"),
    [
        (None, 2, "member and size must be specified"),
        (0, None, "member and size must be specified"),
        (-1, 2, "member must not be less than 0"),
        (2, 2, "member must be less than the group size"),
        (0, 0, "size must not be less than 1"),
        (0, 40_000, "size must be less than 32768"),
    ],
)
def test_consumer_group(client: Client, member: Any, size: Any, problem: str) -> None:
    error = refused(
        client,
        "get_category_messages",
        "account",
        consumer_group_member=member,
        consumer_group_size=size,
    )
    assert str(error) == (
        f"Consumer group {problem} (Consumer Group Member: {member}, Consumer Group Size: {size})"
    )


@pytest.mark.parametrize("value", [True, False])
def test_a_truth_value_is_no_number(client: Client, value: bool) -> None:
    refused(client, "write_message", "account-1", "T", expected_version=value)
    refused(client, "write_messages", [NewMessage("account-1", "T")], {"account-1": value})
    refused(client, "get_stream_messages", "account-1", value)
    refused(client, "get_stream_messages", "account-1", 0, value)
    refused(client, "get_category_messages", "account", value)
    refused(
        client,
        "get_category_messages",
        "account",
        consumer_group_member=0,
        consumer_group_size=value,
    )


@pytest.mark.parametrize(
    "messages",
    [
        [{"stream_name": "account-1"}],
        [None],
        "account-1",
        NewMessage("account-1", "T"),
        (NewMessage("account-1", "T") for _ in range(2)),
    ],
    ids=["dict", "None", "text", "one message", "generator"],
)
def test_what_is_no_list_of_messages(client: Client, messages: Any) -> None:
    refused(client, "write_messages", messages)
