"""A store's messages in a file and back: every tier, every form, and what a wrong file does."""

from __future__ import annotations

import asyncio
import io
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Literal
from uuid import UUID

import pytest
from tests.fix_cli import Cli
from tests.fix_store import InstalledStore
from tests.fix_tiers import TierStore
from tests.history import START, rows_of, without_jobs

import coldstream
from coldstream import ArchiveUnavailable, InvalidInput, Message
from coldstream.files.compression import lines_of
from coldstream.files.lines import messages_of, own_line

NewStore = Callable[[], InstalledStore]


def in_file(path: Path) -> list[Message]:
    with path.open("rb") as file:
        return [each for _, each in messages_of(lines_of(file, path.name))]


def test_an_export_has_every_tier_and_what_was_asked_for(tier: TierStore, tmp_path: Path) -> None:
    truth = sorted(tier.truth, key=lambda m: m.global_position)
    middle = truth[len(truth) // 2]
    with coldstream.connect(tier.installed.dsn, schema=tier.installed.schema, max_size=1) as store:

        def exported(**options: object) -> list[Message]:
            target = tmp_path / "out.ndjson.gz"
            found = store.export(target, overwrite=True, **options)  # type: ignore[arg-type]
            messages = in_file(target)
            assert found.messages == len(messages)
            return messages

        assert exported() == truth
        two = sorted({m.stream_name for m in truth if "-" in m.stream_name})[:2]
        assert exported(streams=two) == [m for m in truth if m.stream_name in two]
        assert exported(streams=two[:1]) == tier.of(two[0])
        assert exported(categories=[middle.category]) == [
            m for m in truth if m.category == middle.category
        ]
        assert exported(start=middle.time) == [m for m in truth if m.time >= middle.time]
        assert exported(end=middle.time) == [m for m in truth if m.time < middle.time]
        position = middle.global_position
        assert exported(position=position - 50, last_position=position) == [
            m for m in truth if position - 50 <= m.global_position <= position
        ]


@pytest.fixture
def empty_store(new_store: NewStore) -> InstalledStore:
    return without_jobs(new_store())


@pytest.mark.parametrize("tier", ["hot"], indirect=True)
def test_a_history_comes_back_byte_for_byte(
    tier: TierStore, empty_store: InstalledStore, tmp_path: Path, cli: Cli
) -> None:
    truth = sorted(tier.truth, key=lambda m: m.global_position)
    source = ("--dsn", tier.installed.dsn, "--schema", tier.installed.schema)
    target = ("--dsn", empty_store.dsn, "--schema", empty_store.schema)
    names = ("a.ndjson.zst", "a.parquet", "a.eventodb.ndjson")
    files = [str(tmp_path / name) for name in names]
    for file in files:
        form = ("--format", "eventodb") if "eventodb" in file else ()
        found = cli("export", file, *source, *form, "--json").json
        assert (found["messages"], found["target"]) == (len(truth), file)

    shown = cli("export", files[0], *source)
    assert (shown.status, shown.err.splitlines()[0]) == (2, f"coldstream: {files[0]} exists")
    assert cli("import", files[0], *target, "--dry-run", "--json").json["messages"] == len(truth)
    assert rows_of(empty_store) == []

    # What a killed run had committed is left as it is, and every form is the same history.
    with coldstream.connect(empty_store.dsn, schema=empty_store.schema, max_size=1) as store:
        store.import_messages(truth[: len(truth) // 3], global_positions="keep")
    for file in files:
        ran = cli("import", file, *target, "--global-positions", "keep", "--batch-size", "700")
        assert ran.status == 0, ran.err
        assert sorted(rows_of(empty_store), key=lambda m: m.global_position) == truth
    assert empty_store.run("SELECT count(*) FROM recent_ids") == [(len(truth),)]


@pytest.mark.parametrize("global_positions", ["keep", "new"])
def test_json_as_somebody_wrote_it_of_every_size(
    empty_store: InstalledStore, tmp_path: Path, global_positions: Literal["keep", "new"]
) -> None:
    """What makes the JSON jsonb's moves rows of the session's table about: not their order."""
    chance = random.Random(7)
    found: list[Message] = []
    for n in range(1200):
        long = chance.randbytes(chance.choice([1, 40, 900])).hex()
        name, metadata = "account-1", None
        if n % 3 == 0:
            # The key in other letters is the key.
            metadata = '{ "correlation\\u0053treamName" :"order-5",  "correlationStreamNam":1 }'
        id = UUID(int=n + 1, version=4)
        data = f'{{ "n" :{n}  , "long":  "{long}","n":{n}.50}}'
        found.append(Message(id, name, "T", n, 3 * n + 5, data, metadata, START))
    file = tmp_path / "a.ndjson"
    file.write_text("\n\n".join(map(own_line, found)))
    with coldstream.connect(empty_store.dsn, schema=empty_store.schema, max_size=2) as store:
        for _ in range(2):
            store.import_file(file, global_positions=global_positions, batch_size=500)
        there = list(store.get_category_messages("account", batch_size=2000))
        correlated = store.get_category_messages("account", correlation="order", batch_size=2000)
        assert [m.position for m in correlated] == list(range(0, 1200, 3))
    assert [(m.id, m.position) for m in there] == [(m.id, m.position) for m in found]
    if global_positions == "keep":
        assert [m.global_position for m in there] == [m.global_position for m in found]
    assert there[7].data_text == f'{{"n": 7.50, "long": "{there[7].data["long"]}"}}'


WRONG: dict[str, tuple[Callable[[list[str]], list[str]], str]] = {
    "cut off": (lambda lines: [*lines[:-1], lines[-1][:-9]], "Line 5 is no message: "),
    "order": (lambda lines: [lines[0], lines[2], lines[1], *lines[3:]], "Line 3 is out of order: "),
    "id": (
        lambda lines: [*lines[:4], lines[4][:7] + lines[1][7:43] + lines[4][43:]],
        "Line 5 has the id of line 2",
    ),
    "position": (
        lambda lines: [*lines[:4], lines[4].replace('"position":4', '"position":1')],
        "Line 5 has the stream and position of line 2",
    ),
    "name": (
        lambda lines: [lines[0], lines[1].replace("account-9", "a\\u0000b"), *lines[2:]],
        "Line 2: The stream name must not contain NUL",
    ),
    "json": (
        lambda lines: [*lines[:3], lines[3].replace('"n": 3', '"n": "\\u0000"'), lines[4]],
        "Line 4: The data contains",
    ),
    "surrogate": (
        lambda lines: [*lines[:3], lines[3].replace('"n": 3', '"n": "\\ud800"'), lines[4]],
        "Line 4 is no message: ",
    ),
    # The server alone knows this, so the first batch is in the store.
    "clock": (lambda lines: [*lines[:3], lines[3].replace("2025-", "2099-"), lines[4]], "Line 4: "),
}


@pytest.mark.parametrize("tier", ["hot"], indirect=True)
def test_what_is_wrong_with_a_file_is_one_line_that_names_its_line(
    empty_store: InstalledStore, tier: TierStore, tmp_path: Path, cli: Cli
) -> None:
    begin = replace(tier.truth[0], stream_name="account-9")
    lines = [
        own_line(
            replace(
                begin,
                id=coldstream.NewMessage("a-1", "T").id,  # type: ignore[arg-type]
                position=number,
                global_position=number + 1,
                data_text=f'{{"n": {number}}}',
            )
        )
        for number in range(5)
    ]
    options = ("--dsn", empty_store.dsn, "--schema", empty_store.schema)
    for what, (change, message) in WRONG.items():
        file = tmp_path / "wrong.ndjson"
        file.write_text("".join(change(lines)))
        ran = cli("import", str(file), *options, "--batch-size", "2")
        assert ran.status in (1, 2), (what, ran)
        shown = [line for line in ran.err.splitlines() if line.startswith("coldstream: ")]
        assert len(shown) == 1, ran.err
        assert shown[0].startswith(f"coldstream: {message}"), what
        there = empty_store.run("SELECT count(*) FROM messages")[0][0]
        assert there == (2 if what == "clock" else 0), what
    # A re-run of the mended file finishes it; from stdin, whose global positions are given anew.
    ran = cli("import", "-", *options, stdin="".join(lines))
    assert ran.status == 0, ran.err
    assert empty_store.run("SELECT position FROM messages ORDER BY 1") == [(n,) for n in range(5)]
    # Another message at the place of one.
    file.write_text(lines[0].replace(lines[0][7:43], lines[1][7:42] + "0"))
    ran = cli("import", str(file), *options)
    assert (ran.status, "Line 1: " in ran.err) == (1, True)
    for missing in ("nowhere.ndjson", str(tmp_path)):
        assert cli("import", missing, *options).status == 2


def test_the_command_line_streams_and_scrubs(
    empty_store: InstalledStore,
    tmp_path: Path,
    cli: Cli,
) -> None:
    options = ("--dsn", empty_store.dsn, "--schema", empty_store.schema)
    with coldstream.connect(empty_store.dsn, schema=empty_store.schema, max_size=1) as store:
        store.write_message("account-1", "Opened", {"owner": {"name": "Ann"}, "n": 1})
        rules = tmp_path / "rules.toml"
        rules.write_text(
            '[[rule]]\npath = "data.owner.name"\nconstant = "x"\n[[rule]]\npath = "data.gone"\n'
        )
        found = store.export(tmp_path / "a.ndjson", scrub=rules)
        assert found.unused_rules == ("data.gone",)
        # An object, whole or not at all; and the async store.
        place = f"memory://{empty_store.schema}/folder/a.ndjson.gz"
        assert store.export(place).messages == 1
        with pytest.raises(InvalidInput, match="exists"):
            store.export(place)
        assert store.import_file(place, dry_run=True).messages == 1
        with pytest.raises(ArchiveUnavailable):
            store.import_file(f"memory://{empty_store.schema}/nothing.ndjson")

    async def awaited() -> None:
        async with coldstream.connect_async(
            empty_store.dsn, schema=empty_store.schema, max_size=1
        ) as store:
            assert (await store.export(place, overwrite=True)).messages == 1
            assert (await store.import_file(place)).messages == 1
            assert await store.stream_version("account-1") == 0

    asyncio.run(awaited())
    ran = cli("export", "-", *options, "--scrub", str(rules))
    assert ran.status == 0
    [message] = [m for _, m in messages_of(lines_of(io.BytesIO(ran.out.encode()), "out"))]
    assert message.data == {"owner": {"name": "x"}, "n": 1}
    assert "warning: the rule for data.gone changed nothing" in ran.err
    assert "exported 1 messages" in ran.err
    assert cli("export", str(tmp_path / "b.ndjson"), *options, "--dry-run").out.startswith("would")
    assert not (tmp_path / "b.ndjson").exists()
