"""Writing by either client."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from uuid import UUID, uuid4

import pytest
from tests.clients import Client
from tests.fix_store import InstalledStore

from coldstream import (
    DuplicateMessageId,
    ExpectedVersionError,
    InvalidInput,
    JsonText,
    NewMessage,
    WriteResult,
)

OpenClient = Callable[..., Client]


@pytest.fixture
def client(store_schema: InstalledStore, open_client: OpenClient) -> Client:
    return open_client(store_schema)


def test_a_write_says_where_it_went(client: Client) -> None:
    first = client.write_message("account-1", "Opened", {"amount": 1})
    second = client.write_message("account-1", "Changed")
    assert first == WriteResult(0, first.global_position)
    assert second.position == 1
    assert second.global_position > first.global_position
    assert [m.global_position for m in client.get_stream_messages("account-1")] == [
        first.global_position,
        second.global_position,
    ]


def test_ids_are_of_version_7_by_default(client: Client) -> None:
    client.write_message("account-1", "Opened")
    client.write_messages([NewMessage("account-1", "Changed"), NewMessage("account-1", "Closed")])
    ids = [m.id for m in client.get_stream_messages("account-1")]
    assert [id.version for id in ids] == [7, 7, 7]
    assert len(set(ids)) == 3


@pytest.mark.parametrize("form", [UUID, str, str.upper, "urn:uuid:{}".format, "{{{}}}".format])
def test_an_id_in_any_usual_form(client: Client, form: Callable[[str], UUID | str]) -> None:
    id = uuid4()
    client.write_message("account-1", "Opened", id=form(str(id)))
    assert [m.id for m in client.get_stream_messages("account-1")] == [id]


@pytest.mark.parametrize(
    "value",
    [
        {"amount": Decimal("1.10"), "nested": [1, [None, True], {"": 'ü ✓ 😀 \x01 " \\ \n'}]},
        {"big": 2**53 + 1, "small": -(2**63), "bigger": 10**40},
        Decimal("123456789012345678901234567890.1234500"),
        [],
        {},
        "text",
        0,
        False,
        "",
        None,
    ],
    ids=repr,
)
def test_json_comes_back_as_it_was(client: Client, value: object) -> None:
    client.write_message("account-1", "Opened", value, value)
    client.write_messages([NewMessage("account-1", "Opened", value, value)])
    for message in client.get_stream_messages("account-1"):
        assert (message.data, message.metadata) == (value, value)
        assert (str(message.data), type(message.data)) == (str(value), type(value))


def test_json_text_is_sent_as_it_is(client: Client) -> None:
    client.write_message("account-1", "Opened", JsonText('{"a":1.100}'), JsonText("null"))
    [message] = client.get_stream_messages("account-1")
    assert message.data_text == '{"a": 1.100}'
    assert message.metadata_text == "null"
    assert message.metadata is None


def test_none_is_null(client: Client) -> None:
    client.write_message("account-1", "Opened", None, None)
    [message] = client.get_stream_messages("account-1")
    assert (message.data_text, message.metadata_text) == (None, None)


def test_expected_version(client: Client) -> None:
    assert client.write_message("account-1", "Opened", expected_version=-1).position == 0
    assert client.write_message("account-1", "Changed", expected_version=0).position == 1


@pytest.mark.parametrize("expected", [-1, 0, 5])
def test_wrong_expected_version(client: Client, expected: int) -> None:
    client.write_message("account-1", "Opened")
    client.write_message("account-1", "Changed")
    with pytest.raises(ExpectedVersionError) as caught:
        client.write_message("account-1", "Closed", expected_version=expected)
    error = caught.value
    assert (error.stream_name, error.expected, error.actual) == ("account-1", expected, 1)
    assert error.hint == "Read the stream again and decide anew."
    assert client.stream_version("account-1") == 1


def test_wrong_expected_version_of_an_unknown_stream(client: Client) -> None:
    with pytest.raises(ExpectedVersionError) as caught:
        client.write_message("account (x)-1\n2", "Closed", expected_version=3)
    error = caught.value
    assert (error.stream_name, error.expected, error.actual) == ("account (x)-1\n2", 3, -1)
    assert client.stream_version("account (x)-1\n2") is None


def test_many_messages_to_several_streams(client: Client) -> None:
    client.write_message("account-1", "Opened")
    messages = [
        NewMessage(name, "Written", {"number": number})
        for number, name in enumerate(["account-1", "order-7", "account-2", "account-1", "order-7"])
    ]
    results = client.write_messages(messages)

    assert [r.position for r in results] == [1, 0, 0, 2, 1]
    positions = [r.global_position for r in results]
    assert positions == sorted(set(positions))
    found = {m.global_position: m for m in client.get_all_messages()}
    for message, result in zip(messages, results, strict=True):
        stored = found[result.global_position]
        assert (stored.stream_name, stored.position, stored.id, stored.data) == (
            message.stream_name,
            result.position,
            message.id,
            message.data,
        )


def test_no_messages_are_no_call(client: Client) -> None:
    assert client.write_messages([]) == []
    assert client.get_all_messages() == []


def test_a_thousand_messages(client: Client) -> None:
    messages = [NewMessage(f"account-{n % 7}", "Written", {"n": n}) for n in range(1000)]
    results = client.write_messages(messages)
    assert [r.position for r in results] == [n // 7 for n in range(1000)]
    assert [m.data["n"] for m in client.get_all_messages(batch_size=300)] == list(range(1000))


def test_many_with_expected_versions(client: Client) -> None:
    client.write_message("account-1", "Opened")
    results = client.write_messages(
        [NewMessage("account-1", "Changed"), NewMessage("order-1", "Placed")],
        {"account-1": 0, "order-1": -1},
    )
    assert [r.position for r in results] == [1, 0]


def test_one_wrong_expected_version_refuses_them_all(client: Client) -> None:
    client.write_message("account-1", "Opened")
    with pytest.raises(ExpectedVersionError) as caught:
        client.write_messages(
            [NewMessage("order-1", "Placed"), NewMessage("account-1", "Changed")],
            {"account-1": 4, "order-1": -1},
        )
    error = caught.value
    assert (error.stream_name, error.expected, error.actual) == ("account-1", 4, 0)
    assert client.stream_version("order-1") is None
    assert client.stream_version("account-1") == 0


def test_an_expected_version_of_a_stream_that_is_not_written_is_refused(client: Client) -> None:
    # It would guard nothing: the caller has most likely misspelt a name.
    with pytest.raises(InvalidInput, match=r"account-2"):
        client.write_messages([NewMessage("account-1", "Opened")], {"account-2": -1})
    assert client.stream_version("account-1") is None


def test_an_id_that_was_written_before(client: Client) -> None:
    id = uuid4()
    client.write_message("account-1", "Opened", id=id)
    with pytest.raises(DuplicateMessageId, match=str(id)) as caught:
        client.write_message("order-1", "Placed", id=id)
    assert caught.value.hint == "For a retry after a lost connection, pass idempotent=True."
    assert client.stream_version("order-1") is None


def test_an_id_twice_in_one_call(client: Client) -> None:
    id = uuid4()
    with pytest.raises(DuplicateMessageId, match=str(id)):
        client.write_messages(
            [NewMessage("account-1", "Opened", id=id), NewMessage("order-1", "Placed", id=str(id))]
        )
    assert client.get_all_messages() == []


def test_many_with_an_id_that_was_written_before(client: Client) -> None:
    id = uuid4()
    client.write_message("account-1", "Opened", id=id)
    with pytest.raises(DuplicateMessageId, match=str(id)):
        client.write_messages(
            [NewMessage("order-1", "Placed"), NewMessage("order-1", "Paid", id=id)]
        )
    assert client.stream_version("order-1") is None


def test_a_repeated_write_gives_the_positions_of_the_first(client: Client) -> None:
    id = uuid4()
    first = client.write_message("account-1", "Opened", id=id, expected_version=-1, idempotent=True)
    client.write_message("account-1", "Changed")
    again = client.write_message("account-1", "Opened", id=id, idempotent=True)
    assert again == first
    assert client.stream_version("account-1") == 1


def test_a_repeated_write_to_another_stream_is_an_error(client: Client) -> None:
    id = uuid4()
    client.write_message("account-1", "Opened", id=id)
    with pytest.raises(DuplicateMessageId):
        client.write_message("account-2", "Opened", id=id, idempotent=True)


def test_a_repeated_write_with_the_version_it_expected_gives_the_first_positions(
    client: Client,
) -> None:
    # What a retry after a lost answer sends: the same call. The stream has moved on by it.
    id = uuid4()
    first = client.write_message("account-1", "Opened", id=id, expected_version=-1, idempotent=True)
    again = client.write_message("account-1", "Opened", id=id, expected_version=-1, idempotent=True)
    assert again == first


def test_the_longest_name_is_taken(client: Client) -> None:
    name = "account-" + "x" * 2592
    assert client.write_message(name, "T").position == 0
    assert client.stream_version(name) == 0
