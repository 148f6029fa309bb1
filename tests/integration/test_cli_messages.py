"""coldstream write and coldstream read."""

from __future__ import annotations

import json
from uuid import uuid4

import pytest
from tests.fix_cli import Cli
from tests.fix_store import InstalledStore

import coldstream

# What JSON libraries lose, and what PostgreSQL makes of it.
NUMBERS = '{"exact": 1.10, "whole": 123456789012345678901234567890}'


@pytest.fixture
def to(store_schema: InstalledStore) -> list[str]:
    return ["--dsn", store_schema.dsn]


def lines(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]


def test_what_is_written_is_read(cli: Cli, to: list[str]) -> None:
    id = str(uuid4())
    written = cli("write", "account-1", "Deposited", NUMBERS, "--id", id, *to)
    assert (written.status, written.out) == (0, "account-1: position 0, global position 1\n")
    about = cli("write", "account-1", "Closed", "--metadata", '{"a": [null]}', "--json", *to)
    assert about.json == {"position": 1, "global_position": 2}

    read = cli("read", "account-1", "--json", *to)
    assert f'"data": {NUMBERS}, "metadata": null}}\n' in read.out
    first, second = lines(read.out)
    assert (first["id"], first["stream_name"], first["type"]) == (id, "account-1", "Deposited")
    assert (second["data"], second["metadata"], second["position"]) == (None, {"a": [None]}, 1)


def test_data_from_stdin(cli: Cli, to: list[str]) -> None:
    assert cli("write", "account-1", "A", "-", *to, stdin='["ü \\u2713"]\n').status == 0
    assert lines(cli("read", "account-1", "--json", *to).out)[0]["data"] == ["ü ✓"]


def test_data_may_be_any_json(cli: Cli, to: list[str]) -> None:
    for text in ("-5", "null", "true", '"text"'):
        assert cli("write", "account-1", "A", text, *to).status == 0
    found = lines(cli("read", "account-1", "--json", *to).out)
    assert [message["data"] for message in found] == [-5, None, True, "text"]


def test_people_get_a_line_a_message(cli: Cli, to: list[str]) -> None:
    cli("write", "account-1", "Deposited", '{"text": "a\\nb\\u001b"}', *to)
    (line,) = cli("read", "account-1", *to).out.splitlines()
    position, _, _, rest = line.split(maxsplit=3)
    assert position == "1"
    assert rest == r'account-1 0  Deposited  {"text": "a\nb\u001b"}'


def test_a_stream_from_a_position_and_no_further_than_a_limit(cli: Cli, to: list[str]) -> None:
    for _ in range(4):
        cli("write", "account-1", "A", *to)
    read = cli("read", "account-1", "--position", "1", "--limit", "2", "--json", *to)
    assert [message["position"] for message in lines(read.out)] == [1, 2]


def test_categories(cli: Cli, to: list[str]) -> None:
    cli("write", "account-1", "A", "--metadata", '{"correlationStreamName": "user-1"}', *to)
    cli("write", "account-2", "B", *to)
    cli("write", "order-1", "C", *to)

    def types(*words: str) -> list[object]:
        return [message["type"] for message in lines(cli("read", *words, "--json", *to).out)]

    assert types("account") == ["A", "B"]
    assert types("account", "--position", "2") == ["B"]
    assert types("account", "--correlation", "user") == ["A"]
    assert types("--all") == ["A", "B", "C"]
    members = [types("account", "--member", str(n), "--size", "2") for n in (0, 1)]
    assert sorted(members[0] + members[1], key=str) == ["A", "B"]


def test_an_expected_version_that_is_wrong(cli: Cli, to: list[str]) -> None:
    assert cli("write", "account-1", "A", "--expected-version=-1", *to).status == 0
    ran = cli("write", "account-1", "B", "--expected-version=-1", *to)
    assert (ran.status, ran.out) == (1, "")
    assert ran.err.splitlines()[0] == (
        "coldstream: Wrong expected version: -1 (Stream: account-1, Stream Version: 0)"
    )
    assert cli("write", "account-1", "B", "--expected-version", "0", *to).status == 0


def test_an_id_that_was_written_before(cli: Cli, to: list[str]) -> None:
    id = str(uuid4())
    assert cli("write", "account-1", "A", "--id", id, *to).status == 0
    ran = cli("write", "account-2", "A", "--id", id, *to)
    assert (ran.status, ran.out) == (1, "")
    assert id in ran.err


BAD: dict[str, tuple[list[str], str]] = {
    "category to write to": (["write", "account", "A"], "Must be a stream name: account"),
    "empty name": (["write", "", "A"], "Must be a stream name:"),
    "empty type": (["write", "account-1", " "], "The type is empty"),
    "no UUID": (["write", "account-1", "A", "--id", "1234"], "Not a UUID: '1234'"),
    "no JSON": (["write", "account-1", "A", "{amount: 1}"], "DATA is not JSON: "),
    "half JSON": (["write", "account-1", "A", '{"a":'], "DATA is not JSON: "),
    "no number": (["write", "account-1", "A", "NaN"], "DATA is not JSON: it has no NaN"),
    "NUL": (["write", "account-1", "A", r'{"a": "\u0000"}'], r"The data contains \u0000"),
    "bad metadata": (["write", "account-1", "A", "{}", "--metadata", "{"], "--metadata is not"),
    "long name": (["write", "a-" + "x" * 3000, "A"], "The stream name is too long: 3002 bytes"),
    "misspelt": (["write", "account-1", "A", "--jason"], "Unknown option: --jason"),
    "version": (["write", "account-1", "A", "--expected-version=-2"], 'Invalid value "-2"'),
    "nothing to read": (["read"], "Give a stream or a category, or --all"),
    "too much to read": (["read", "account", "--all"], "Give a stream or a category, or --all"),
    "empty name to read": (["read", ""], "The name of the stream or category is empty"),
    "correlation of a stream": (["read", "account-1", "--correlation", "a"], "--correlation,"),
    "correlation": (["read", "account", "--correlation", "a-1"], "Correlation must be a category"),
    "half a group": (["read", "account", "--member", "0"], "Consumer group member and size must"),
    "negative": (["read", "account", "--position=-1"], 'Invalid value "-1" for --position'),
    "no messages": (["read", "account", "--limit", "0"], 'Invalid value "0" for --limit'),
}


@pytest.mark.native
def test_json_that_is_too_deep_for_the_server(cli: Cli, to: list[str]) -> None:
    ran = cli("write", "account-1", "A", "[" * 100_000, *to)
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.startswith("coldstream: Nested too deeply: ")


@pytest.mark.parametrize("what", BAD)
def test_bad_input_is_one_line_and_writes_nothing(
    what: str, cli: Cli, to: list[str], store_schema: InstalledStore
) -> None:
    words, message = BAD[what]
    ran = cli(*words, *to)
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.startswith(f"coldstream: {message}")
    assert len(ran.err.splitlines()) <= 2
    assert store_schema.run("SELECT count(*) FROM messages") == [(0,)]


def test_history_in_the_archive_is_read_from_there(
    cli: Cli, fresh_store: InstalledStore, tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLDSTREAM_ARCHIVE", f"file://{tmp_path}")
    store = ["--dsn", fresh_store.dsn, "--schema", fresh_store.schema]
    fresh_store.run(
        "INSERT INTO messages (stream_name, position, type, time)"
        " VALUES ('account-1', 0, 'Old', now() - INTERVAL '40 days')"
    )
    for verb in ("archive --older-than 7d", "verify", "drop --older-than 7d"):
        assert cli(*verb.split(), *store).status == 0
    assert fresh_store.run("SELECT count(*) FROM messages") == [(0,)]
    assert cli("write", "account-1", "New", "--expected-version", "0", *store).status == 0
    read = lines(cli("read", "account-1", "--json", *store).out)
    assert [(m["type"], m["position"]) for m in read] == [("Old", 0), ("New", 1)]
    assert [m["type"] for m in lines(cli("read", "account", "--json", *store).out)] == [
        "Old",
        "New",
    ]


def test_a_page_is_printed_before_the_next_one_is_read(
    cli: Cli, to: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Streams, does not collect: what was read before an error has been printed."""
    for _ in range(3):
        cli("write", "account-1", "A", *to)

    class Broken(coldstream.Store):
        def get_stream_messages(self, *arguments: object, **options: object):
            yield next(iter(super().get_stream_messages("account-1")))
            raise coldstream.Unavailable("the connection was lost")

    monkeypatch.setattr("coldstream.store.Store", Broken)
    ran = cli("read", "account-1", "--json", *to)
    assert ran.status == 1
    assert [message["position"] for message in lines(ran.out)] == [0]
    assert ran.err == "coldstream: the connection was lost\n"
