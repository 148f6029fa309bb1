"""message-db-py from PyPI, as it is published, against the store under test."""

import datetime
from collections.abc import Iterator

import pytest
from message_db.client import MessageDB

from .conftest import Store
from .statements import hash_of


@pytest.fixture
def client(store: Store) -> Iterator[MessageDB]:
    # The client writes through message_store.write_message, by that name, and reads by names that
    # its search_path has to find.
    assert store.schema == "message_store", "message-db-py knows no other schema"
    client = MessageDB.from_url(store.dsn, max_connections=1)
    connection = client.connection_pool.get_connection()
    with connection, connection.cursor() as cursor:
        cursor.execute("SET search_path TO message_store")
    client.connection_pool.release(connection)
    yield client
    client.connection_pool.closeall()


def test_it_writes_and_reads_a_stream(client: MessageDB):
    assert client.write("account-1", "Opened", {"owner": "Größe"}, {"user": 7}) == 0
    assert client.write("account-1", "Deposited", {"amount": 11}) == 1
    opened, deposited = client.read("account-1")
    assert isinstance(opened.pop("time"), datetime.datetime)
    assert len(opened.pop("id")) == 36
    assert opened == {
        "stream_name": "account-1",
        "type": "Opened",
        "position": 0,
        "global_position": 1,
        "data": {"owner": "Größe"},
        "metadata": {"user": 7},
    }
    assert (deposited["position"], deposited["metadata"]) == (1, None)


def test_it_reads_a_stream_by_pages(client: MessageDB):
    for n in range(5):
        client.write("account-1", "Happened", {"n": n})
    page = client.read_stream("account-1", position=2, no_of_messages=2)
    assert [message["data"] for message in page] == [{"n": 2}, {"n": 3}]


def test_it_writes_a_batch(client: MessageDB):
    batch = [("Opened", {}, None), ("Deposited", {"amount": 1}, {"user": 7}), ("Closed", {})]
    assert client.write_batch("account-1", batch, expected_version=-1) == 2
    types = [message["type"] for message in client.read_stream("account-1")]
    assert types == ["Opened", "Deposited", "Closed"]


def test_it_reads_a_category(client: MessageDB):
    for stream in ("account-1", "order-1", "account-2", "account-1"):
        client.write(stream, "Happened", {})
    read = [(m["stream_name"], m["position"]) for m in client.read_category("account")]
    assert read == [("account-1", 0), ("account-2", 0), ("account-1", 1)]
    assert client.read_category("account", position=2, no_of_messages=1) == [
        message for message in client.read("account") if message["global_position"] == 3
    ]


def test_it_reads_a_category_as_a_consumer_group(client: MessageDB):
    streams = [f"account-{n}" for n in range(20)]
    for stream in streams:
        client.write(stream, "Happened", {})
    for member in range(3):
        read = client.read_category("account", consumer_group_member=member, consumer_group_size=3)
        share = [stream for stream in streams if abs(hash_of(stream[8:])) % 3 == member]
        assert share
        assert [message["stream_name"] for message in read] == share


def test_it_reads_all_messages(client: MessageDB):
    for stream in ("account-1", "order-1", "account-1"):
        client.write(stream, "Happened", {})
    read = [(m["global_position"], m["stream_name"]) for m in client.read("$all")]
    assert read == [(1, "account-1"), (2, "order-1"), (3, "account-1")]


def test_it_reads_the_last_message(client: MessageDB):
    assert client.read_last_message("account-1") is None
    client.write("account-1", "Opened", {})
    client.write("account-1", "Closed", {"reason": "test"})
    last = client.read_last_message("account-1")
    assert last is not None
    assert (last["type"], last["position"], last["data"]) == ("Closed", 1, {"reason": "test"})


def test_it_lists_the_streams_of_a_category(client: MessageDB):
    for stream in ("account-b", "account-a", "account-b", "account:snapshot-a", "order-c"):
        client.write(stream, "Happened", {})
    assert client.stream_identifiers("account") == ["a", "b"]


def test_its_expected_version_writes(client: MessageDB):
    assert client.write("account-1", "Opened", {}, expected_version=-1) == 0
    assert client.write("account-1", "Closed", {}, expected_version=0) == 1


def test_it_gets_its_expected_version_error(client: MessageDB):
    client.write("account-1", "Opened", {})
    with pytest.raises(ValueError, match="Wrong expected version") as caught:
        client.write("account-1", "Opened", {}, expected_version=5)
    assert str(caught.value) == (
        "P0001-ERROR:  Wrong expected version: 5 (Stream: account-1, Stream Version: 0)"
    )
    assert len(client.read_stream("account-1")) == 1


def test_it_works_on_after_an_error(client: MessageDB):
    client.write("account-1", "Opened", {})
    with pytest.raises(ValueError, match="Wrong expected version"):
        client.write("account-1", "Opened", {}, expected_version=5)
    assert client.write("account-1", "Closed", {}, expected_version=0) == 1
