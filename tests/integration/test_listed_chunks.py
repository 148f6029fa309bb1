"""A read asks the ledger for the first few chunks that have left, and for more as it goes on.

The history of the tests has fewer than a read asks for at first: here it asks for one, or two.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.clients import Client
from tests.fix_store import InstalledStore
from tests.fix_tiers import TierStore
from tests.history import END, START, STREAMS, WEEK, history, insert, rows_of

import coldstream
from coldstream.archive.read.reader import ArchiveReader
from coldstream.errors import Archived

APPENDED_TO = {"continued-sync", "continued-async"}  # by other tests of the same stores


@pytest.fixture(params=[1, 2], ids=lambda count: f"{count} at first")
def few(request: pytest.FixtureRequest, kind: str, monkeypatch: pytest.MonkeyPatch) -> int:
    for module in ("category_pages", "stream_pages"):
        pages = importlib.import_module(f"coldstream.client._{kind}.{module}")
        monkeypatch.setattr(pages, "LISTED", request.param)
        monkeypatch.setattr(pages, "LISTED_GROWTH", 2)
    return int(request.param)


@pytest.mark.usefixtures("few")
def test_every_stream_from_every_position(tier: TierStore, client: Client) -> None:
    for name in STREAMS:
        if "-" not in name or name in APPENDED_TO:
            continue
        truth = tier.of(name)
        for position in range(len(truth) + 1):
            assert client.get_stream_messages(name, position) == truth[position:], position
        assert client.get_last_stream_message(name) == truth[-1]


@pytest.mark.usefixtures("few")
def test_every_category_from_many_positions(tier: TierStore, client: Client) -> None:
    for category in sorted({message.category for message in tier.truth} - {"continued"}):
        truth = tier.of_category(category)
        for after in [None, *truth[:: max(1, len(truth) // 7)]]:
            position = 0 if after is None else after.global_position + 1
            expected = [m for m in truth if m.global_position >= position]
            assert client.get_category_messages(category, position) == expected
    for after in tier.truth[::9]:
        expected = [m for m in tier.truth if m.global_position > after.global_position]
        found = client.get_all_messages(after.global_position + 1)
        assert found[: len(expected)] == expected
        assert {m.stream_name for m in found[len(expected) :]} <= APPENDED_TO


@pytest.mark.usefixtures("few")
def test_what_was_dropped_by_force_is_an_error_when_it_is_reached(
    quiet_store: InstalledStore, open_client: Callable[..., Client], tmp_path: Path
) -> None:
    insert(quiet_store, history())
    border = [message for message in rows_of(quiet_store) if message.category == "border"]
    quiet_store.run("SELECT drop_range(%s, true)", [START + 3 * WEEK])
    archive_all(quiet_store, tmp_path)
    client = open_client(quiet_store)
    assert client.take(2, "get_category_messages", "border") == border[:2]
    with pytest.raises(Archived, match="dropped by force"):
        client.get_category_messages("border")
    after = border[4].global_position
    assert client.get_category_messages("border", after) == border[4:]


def test_the_end_of_a_long_stream_is_found_without_its_beginning(
    quiet_store: InstalledStore,
    open_client: Callable[..., Client],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    insert(quiet_store, history())
    truth = [message for message in rows_of(quiet_store) if message.stream_name == "account-1"]
    truth.sort(key=lambda message: message.position)
    archive_all(quiet_store, tmp_path)
    opened: list[str] = []
    open_file = ArchiveReader._opened

    def seen(self: ArchiveReader, each: Any, **options: Any) -> Any:
        opened.append(each.key)
        return open_file(self, each, **options)

    monkeypatch.setattr(ArchiveReader, "_opened", seen)
    client = open_client(quiet_store)
    assert client.get_stream_messages("account-1", 20) == truth[20:]
    assert 1 <= len(opened) <= 4  # of six: a mark is at most three chunks before
    opened.clear()
    assert client.get_stream_messages("account-1") == truth
    assert len(opened) == 6


def archive_all(installed: InstalledStore, folder: Path) -> None:
    with coldstream.connect(
        installed.dsn, schema=installed.schema, archive=folder.as_uri()
    ) as store:
        store.lifecycle.archive(END)
        assert [v.problem for v in store.lifecycle.verify() if v.problem] == []
        assert [d.reason for d in store.lifecycle.drop(END) if d.reason] == []
