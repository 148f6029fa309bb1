"""coldstream consumers: what is shown of them, and what is done to them."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import UTC

import pytest
from tests.fix_cli import Cli
from tests.fix_store import InstalledStore

import coldstream
from coldstream import Consumer, Message, NewMessage
from coldstream.cli.run import run


@pytest.fixture
def to(store_schema: InstalledStore) -> list[str]:
    return ["--dsn", store_schema.dsn]


@pytest.fixture
def consumed(store_schema: InstalledStore) -> Iterator[InstalledStore]:
    """Four messages of a category and one of another, global positions 1 to 5, and a consumer of
    each kind: ``balances`` is at its end, ``group`` has two members, ``strict`` went past what it
    could not handle, ``stream`` is behind by two."""
    with coldstream.connect(store_schema.dsn, max_size=1) as store:
        for name, type in (
            ("account-1", "Opened"),
            ("account-2", "Opened"),
            ("account-1", "Closed"),
            ("order-1", "Placed"),
            ("account-1", "Opened"),
        ):
            store.write_messages([NewMessage(name, type)])
        consume(store, "account", "balances")
        consume(store, "account", "group", group_size=2)
        consume(store, "account", "strict", fails="Closed", on_failure="dead_letter", attempts=1)
        consume(store, "account-1", "stream", stop_after=1)
    yield store_schema
    store_schema.run("TRUNCATE consumers, consumer_owners, consumer_failures RESTART IDENTITY")


def consume(
    store: coldstream.Store,
    source: str | None,
    name: str,
    *,
    fails: str | None = None,
    stop_after: int | None = None,
    **options: object,
) -> list[int]:
    """The global positions of what a consumer handles."""
    consumer = Consumer(store, source, name, **options)  # type: ignore[arg-type]
    handled = []

    @consumer.default_handler
    def handle(message: Message) -> None:
        if message.type == fails:
            raise ValueError("no funds\nat all")
        handled.append(message.global_position)
        if len(handled) == stop_after:
            consumer.stop()

    consumer.run(live=False)
    return handled


def position_of(store: InstalledStore, name: str) -> list[int]:
    return [
        position
        for (position,) in store.run(
            "SELECT position FROM consumers WHERE consumer = %s ORDER BY member", [name]
        )
    ]


def test_none(cli: Cli, to: list[str]) -> None:
    assert cli("consumers", *to).out == "Consumers: none\n"
    assert cli("consumers", "--json", *to).json == []
    assert cli("consumers", "failures", "--json", *to).json == []


def test_the_list(cli: Cli, to: list[str], consumed: InstalledStore) -> None:
    found = {(c["consumer"], c["member"]): c for c in cli("consumers", "--json", *to).json}
    assert list(found) == [
        ("balances", 0), ("group", 0), ("group", 1), ("stream", 0), ("strict", 0),
    ]  # fmt: skip
    balances, stream, strict = (found[name, 0] for name in ("balances", "stream", "strict"))
    assert (balances["source"], balances["position"], balances["lag_messages"]) == ("account", 6, 0)
    assert (balances["state"], balances["owner"], balances["waiting"]) == ("stopped", None, 0)
    assert (stream["source"], stream["position"], stream["lag_messages"]) == ("account-1", 1, 2)
    assert stream["lag_seconds"] > 0
    assert (strict["failures"], balances["failures"], found["group", 1]["size"]) == (1, 0, 2)

    lines = cli("consumers", *to).out.splitlines()
    assert lines[0] == "Consumers"
    assert " ".join(lines[1].split()) == (
        "consumer member reads position lag behind by state works for it waiting failures"
    )
    rows = [line.split() for line in lines[3:]]
    assert rows[0] == ["balances", "-", "account", "6", "0", "0", "s", "stopped", "-", "0", "0"]
    assert rows[2][:5] == ["group", "1", "of", "2", "account"]


@pytest.mark.native
def test_who_works_for_it(cli: Cli, to: list[str], consumed: InstalledStore) -> None:
    with coldstream.connect(consumed.dsn) as store:
        consumer = Consumer(store, "account", "balances")
        seen = []

        @consumer.default_handler
        def handle(message: Message) -> None:
            seen.append(cli("consumers", "--json", *to).json[0])
            seen.append(cli("consumers", "delete", "balances", "--yes", *to))
            consumer.stop()

        store.write_message("account-1", "More")
        consumer.run(live=False)
    running, deleted = seen
    assert (running["state"], running["address"]) == ("running", "127.0.0.1")
    assert running["owner"]
    assert running["lease_until"]
    # Whoever works for it would begin anew.
    assert (deleted.status, deleted.out) == (1, "")
    assert deleted.err.startswith("coldstream: Consumer balances is running\n  hint: Stop ")
    assert position_of(consumed, "balances") == [8]


def test_failures(cli: Cli, to: list[str], consumed: InstalledStore) -> None:
    (failure,) = cli("consumers", "failures", "strict", "--json", *to).json
    assert (failure["type"], failure["stream_name"], failure["position"]) == (
        "Closed", "account-1", 1,
    )  # fmt: skip
    assert (failure["global_position"], failure["attempts"]) == (3, 1)
    assert failure["error"] == "ValueError: no funds\nat all"
    assert failure["dead_letter_stream"] == "account:deadLetter-strict"
    assert cli("consumers", "failures", "--json", *to).json == [failure]
    assert cli("consumers", "failures", "balances", *to).out == (
        "Not handled, the newest first: none\n"
    )
    # A line a failure, whatever the error says.
    (line,) = cli("consumers", "failures", *to).out.splitlines()[3:]
    assert r"ValueError: no funds\nat all" in line


def test_an_error_that_no_text_of_postgresql_holds(
    cli: Cli, to: list[str], consumed: InstalledStore
) -> None:
    with coldstream.connect(consumed.dsn, max_size=1) as store:
        consumer = Consumer(store, "order", "nul", on_failure="skip", attempts=1)

        @consumer.default_handler
        def handle(message: Message) -> None:
            raise ValueError("a\0b")

        consumer.run(live=False)
    (failure,) = cli("consumers", "failures", "nul", "--json", *to).json
    assert failure["error"] == "ValueError: ab"
    assert failure["dead_letter_stream"] is None


def test_a_letter_of_a_letter_is_not_written(
    cli: Cli, to: list[str], consumed: InstalledStore
) -> None:
    """A consumer of everything reads its own dead letters, and fails at them as it did before."""
    with coldstream.connect(consumed.dsn, max_size=1) as store:
        consumer = Consumer(store, None, "all", on_failure="dead_letter", attempts=1)
        tried = []

        @consumer.default_handler
        def handle(message: Message) -> None:
            tried.append(message.stream_name)
            if len(tried) > 20:
                consumer.stop()
            if message.category.startswith("order"):
                raise ValueError("no")

        consumer.run(live=False)
    assert tried.count("order-1") == tried.count("order:deadLetter-all") == 1
    failures = cli("consumers", "failures", "all", "--json", *to).json
    assert [failure["dead_letter_stream"] for failure in failures] == [None, "order:deadLetter-all"]


@pytest.mark.parametrize(
    ("name", "place", "position"),
    [
        ("balances", "start", 0),
        ("balances", "2", 2),
        ("balances", "end", 7),
        ("balances", "1h", 1),
        ("balances", "7", 7),
        ("stream", "end", 3),
        ("stream", "0", 0),
        ("stream", "3", 3),
    ],
)
def test_reset(
    name: str, place: str, position: int, cli: Cli, to: list[str], consumed: InstalledStore
) -> None:
    before = position_of(consumed, name)
    would = cli("consumers", "reset", name, "--to", place, "--dry-run", "--json", *to).json
    assert position_of(consumed, name) == before
    done = cli("consumers", "reset", name, "--to", place, "--json", *to).json
    assert would == done
    assert [(row["from"], row["to"]) for row in done] == [(before[0], position)]
    assert position_of(consumed, name) == [position]


def test_reset_moves_every_member_and_what_follows_is_handled_again(
    cli: Cli, to: list[str], consumed: InstalledStore
) -> None:
    ran = cli("consumers", "reset", "group", "--to", "2", "--yes", *to)
    assert (ran.status, ran.err) == (0, "")
    assert [line.split() for line in ran.out.splitlines()[3:]] == [
        ["group", "0", "of", "2", ran.out.splitlines()[3].split()[4], "2"],
        ["group", "1", "of", "2", ran.out.splitlines()[4].split()[4], "2"],
    ]
    assert position_of(consumed, "group") == [2, 2]
    with coldstream.connect(consumed.dsn, max_size=1) as store:
        assert sorted(consume(store, "account", "group", group_size=2)) == [2, 3, 5]


def test_reset_to_a_time(cli: Cli, to: list[str], consumed: InstalledStore) -> None:
    ((third,),) = consumed.run("SELECT time FROM messages WHERE global_position = 3")
    at = third.astimezone(UTC).isoformat()
    assert cli("consumers", "reset", "balances", "--to", at, *to).status == 0
    assert cli("consumers", "reset", "stream", "--to", at, *to).status == 0
    assert (position_of(consumed, "balances"), position_of(consumed, "stream")) == ([3], [1])


def test_a_terminal_is_asked(
    to: list[str],
    consumed: InstalledStore,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    asked = Terminal()
    monkeypatch.setattr("sys.stderr", asked)
    for words, question, at in (
        (["reset", "balances", "--to", "2"], "Move balances from position 6 to 2? [y/N] ", 6),
        (["delete", "balances"], "Forget balances and its position (2)? [y/N] ", 2),
    ):
        monkeypatch.setattr("sys.stdin", Terminal("n\n"))
        assert run(["consumers", *words, *to]) == 1
        assert question in asked.getvalue()
        assert "nothing was changed" in asked.getvalue()
        assert position_of(consumed, "balances") == [at]
        monkeypatch.setattr("sys.stdin", Terminal("y\n"))
        assert run(["consumers", *words, *to]) == 0
    assert position_of(consumed, "balances") == []


def test_pause_and_resume(cli: Cli, to: list[str], consumed: InstalledStore) -> None:
    assert cli("consumers", "pause", "balances", *to).out.startswith("paused balances; ")
    assert cli("consumers", "--json", *to).json[0]["state"] == "paused"
    assert consumed.run("SELECT DISTINCT consumer FROM consumers WHERE is_paused") == [
        ("balances",)
    ]
    assert cli("consumers", "resume", "balances", *to).out == "resumed balances\n"
    assert cli("consumers", "--json", *to).json[0]["state"] == "stopped"


def test_delete(cli: Cli, to: list[str], consumed: InstalledStore) -> None:
    would = cli("consumers", "delete", "strict", "--dry-run", *to)
    assert would.out == "would delete strict, which was at 6\n"
    assert position_of(consumed, "strict") == [6]
    assert cli("consumers", "delete", "strict", *to).out == "deleted strict, which was at 6\n"
    assert position_of(consumed, "strict") == []
    # What it did not handle is not forgotten with it.
    assert len(cli("consumers", "failures", "strict", "--json", *to).json) == 1


def test_notify(cli: Cli, to: list[str], store_schema: InstalledStore) -> None:
    triggers = "SELECT count(*) FROM pg_trigger WHERE tgname = 'streams_after_write'"
    try:
        assert cli("consumers", "notify", *to).out == "off: writes wake nobody\n"
        assert cli("consumers", "notify", "on", *to).out == "on: writes wake consumers\n"
        assert cli("consumers", "notify", "status", "--json", *to).json == {"notify": True}
        assert store_schema.run(triggers) == [(1,)]
    finally:
        assert cli("consumers", "notify", "off", "--json", *to).json == {"notify": False}
    assert store_schema.run(triggers) == [(0,)]


BAD: dict[str, tuple[list[str], str, int]] = {
    "reset unknown": (["reset", "none", "--to", "end"], "No consumer of this name: none", 1),
    "pause unknown": (["pause", "none"], "No consumer of this name: none", 1),
    "resume unknown": (["resume", "none"], "No consumer of this name: none", 1),
    "delete unknown": (["delete", "none"], "No consumer of this name: none", 1),
    "failures unknown": (["failures", "none"], "No consumer of this name: none", 1),
    "beyond": (
        ["reset", "balances", "--to", "8"], "Position 8 is after the end of account, which is 7", 1,
    ),
    "beyond a stream": (
        ["reset", "stream", "--to", "4"], "Position 4 is after the end of account-1, which is 3", 1,
    ),
    "beyond, dry": (["reset", "balances", "--to", "8", "--dry-run"], "Position 8 is after", 1),
    "huge": (["reset", "balances", "--to", "9" * 30], "Position 9", 1),
    "no position": (["reset", "balances", "--to", "first"], "'first' is no position", 2),
    "no unit": (["reset", "balances", "--to", "1.5"], "'1.5' is no position", 2),
    "later": (["reset", "balances", "--to", "2999-01-01"], "'2999-01-01' means the future", 2),
    "nowhere": (["reset", "balances"], "--to is missing", 2),
    "not a switch": (["notify", "perhaps"], "Not understood: perhaps", 2),
}  # fmt: skip


@pytest.mark.parametrize("what", BAD)
def test_bad_input_is_one_line_and_a_hint_and_moves_nothing(
    what: str, cli: Cli, to: list[str], consumed: InstalledStore
) -> None:
    words, message, status = BAD[what]
    before = consumed.run(
        "SELECT consumer, member, position, is_paused FROM consumers ORDER BY 1, 2"
    )
    ran = cli("consumers", *words, *to)
    assert (ran.status, ran.out) == (status, "")
    assert ran.err.startswith(f"coldstream: {message}")
    assert "\n  hint: " in ran.err or status == 2
    assert len(ran.err.splitlines()) <= 2
    after = consumed.run(
        "SELECT consumer, member, position, is_paused FROM consumers ORDER BY 1, 2"
    )
    assert after == before


def test_an_unknown_name_names_those_that_are_there(
    cli: Cli, to: list[str], consumed: InstalledStore
) -> None:
    ran = cli("consumers", "pause", "ballances", *to)
    assert ran.err.splitlines()[1] == "  hint: There are: balances, group, stream, strict."
