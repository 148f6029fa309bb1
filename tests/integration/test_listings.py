"""What the store has, by name: from heads and ledger, and never by a look at messages."""

from __future__ import annotations

import os
from collections import Counter

import psycopg
import pytest
from tests.fix_cli import Cli
from tests.fix_store import InstalledStore
from tests.fix_tiers import TierStore

import coldstream
from coldstream import InvalidInput


def test_streams_and_categories_are_those_of_the_messages(tier: TierStore) -> None:
    by_name = sorted({m.stream_name for m in tier.truth}, key=str.encode)
    count = Counter(m.stream_name for m in tier.truth)
    with coldstream.connect(tier.installed.dsn, schema=tier.installed.schema, max_size=1) as store:
        found = store.get_streams()
        assert [each.stream_name for each in found] == by_name
        for each in found:
            messages = tier.of(each.stream_name)
            assert (each.position, each.messages) == (
                messages[-1].position,
                count[each.stream_name],
            )
            times = [m.time for m in messages]
            assert (each.first_time, each.last_time) == (min(times), max(times))
            assert each.tiers
        assert (
            store.get_streams("account-", 2, found[0].stream_name)
            == [each for each in found[1:] if each.stream_name.startswith("account-")][:2]
        )
        with pytest.raises(InvalidInput):
            store.get_streams(limit=0)

        categories = store.get_categories()
        assert [each.category for each in categories] == sorted(
            {m.category for m in tier.truth}, key=str.encode
        )
        for category in categories:
            messages = tier.of_category(category.category)
            assert category.messages == len(messages)
            assert category.streams == len({m.stream_name for m in messages})
            assert category.messages == (
                category.hot_messages
                + category.warm_messages
                + category.rehydrated_messages
                + category.cold_messages
                + category.gone_messages
            )
        assert store.get_categories("o", 1) == [c for c in categories if c.category[0] == "o"][:1]
        if tier.tier == "archived":
            assert categories[0].cold_messages == categories[0].messages
            assert categories[0].archive_bytes
            assert found[0].tiers == ["cold"]
            # Nothing is in the database, and what all of them are said to have is the archive.
            assert {each.estimated_database_bytes for each in found} == {0}
            archived = sum(each.archive_bytes or 0 for each in categories)
            estimated = sum(each.estimated_archive_bytes or 0 for each in found)
            assert archived * 0.7 < estimated < archived * 1.3
        if tier.tier == "warm":
            held = sum(each.database_bytes or 0 for each in categories)
            estimated = sum(each.estimated_database_bytes or 0 for each in found)
            assert held * 0.7 < estimated < held * 1.3
        with store.connection() as connection, connection.transaction():
            for function in ("get_streams", "get_categories"):
                connection.execute(f"SELECT * FROM {store.schema}.{function}()".encode())
            looked_at = connection.execute(
                "SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid() AND relation = "
                f"'{store.schema}.messages'::regclass".encode()
            ).fetchone()
        assert looked_at == (0,)


@pytest.mark.parametrize("tier", ["hot"], indirect=True)
def test_the_command_line_lists_pages(tier: TierStore, cli: Cli) -> None:
    options = ("--dsn", tier.installed.dsn, "--schema", tier.installed.schema)
    found = cli("streams", *options, "--prefix", "account-", "--limit", "2", "--json")
    assert [each["stream_name"] for each in found.json] == ["account-1", "account-2"]
    assert "there are more: --after account-2" in found.err
    assert "ledger-1" in cli("streams", *options).out
    assert cli("categories", *options, "--json").json[0]["category"] == "account"
    assert "order" in cli("categories", *options).out


def test_namespaces_come_and_go(fresh_store: InstalledStore, dsn: str, cli: Cli) -> None:
    name = f"spare_{os.getpid()}"
    at = ("--dsn", dsn)
    assert cli("namespaces", "create", name, *at, "--dry-run", "--json").json["dry_run"]
    assert name not in {each.schema for each in coldstream.namespaces(dsn)}
    assert cli("namespaces", "create", name, *at).status == 0
    with coldstream.connect(dsn, schema=name, max_size=1) as store:
        store.write_message("account-1", "T")
    try:
        [found] = [each for each in cli("namespaces", *at, "--json").json if each["schema"] == name]
        assert (found["streams"], found["messages"], found["archive"]) == (1, 1, None)
        shown = {each["schema"] for each in cli("namespaces", "list", *at, "--json").json}
        assert {name, fresh_store.schema} <= shown
        for wrong in ((), ("--yes", "other")):
            ran = cli("namespaces", "delete", name, *at, *wrong)
            assert (ran.status, ran.err.splitlines()[0]) == (
                1,
                "coldstream: nothing was changed" + (": 'other' is not it" if wrong else ""),
            )
        assert "would drop" in cli("namespaces", "delete", name, *at, "--dry-run").out
    finally:
        ran = cli("namespaces", "delete", name, *at, "--yes", name)
    assert (ran.status, ran.out.split(" with")[0]) == (0, f"dropped {name}")
    assert name not in {each.schema for each in coldstream.namespaces(dsn)}
    with psycopg.connect(dsn) as connection:
        jobs = connection.execute(
            "SELECT count(*) FROM timescaledb_information.jobs "
            "WHERE proc_schema = %s OR hypertable_schema = %s",
            [name, name],
        ).fetchone()
    assert jobs == (0,)
    for schema in (name, "public"):
        assert cli("namespaces", "delete", schema, *at, "--yes", schema).status == 1
