"""The history of tests/history.py in every tier, and both clients over it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from itertools import count
from typing import Any

import pytest
from tests.clients import CLIENTS, Client, opened
from tests.fix_native import ENGINE, per_server
from tests.fix_store import InstalledStore, drop_store, install_store
from tests.history import TIERS, history, insert, move, rows_of, without_jobs

from coldstream import Message


@dataclass(frozen=True)
class TierStore:
    """A store whose history is in one tier. ``truth``: the messages as they were written, in the
    order of global positions; tests may append to streams of the category ``continued`` only, and
    add what they wrote to it: others read the same stores."""

    tier: str
    installed: InstalledStore
    archive: str
    truth: list[Message]

    def of(self, stream_name: str) -> list[Message]:
        found = [m for m in self.truth if m.stream_name == stream_name]
        return sorted(found, key=lambda m: m.position)

    def of_category(self, category: str) -> list[Message]:
        return [m for m in self.truth if m.category == category]


@pytest.fixture(scope=per_server, params=TIERS if ENGINE == "timescale" else ["unclosed"])
def tier(
    request: pytest.FixtureRequest, dsn: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TierStore]:
    name = request.param
    installed = without_jobs(install_store(dsn, f"tier_{name}".replace(" ", "_")))
    insert(installed, history())
    truth = rows_of(installed)
    archive = tmp_path_factory.mktemp("archive").as_uri()
    move(installed, archive, name)
    yield TierStore(name, installed, archive, truth)
    drop_store(dsn, installed.schema)


@pytest.fixture(params=CLIENTS)
def kind(request: pytest.FixtureRequest) -> str:
    """Which client: sync or async."""
    return str(request.param)


@pytest.fixture
def client(tier: TierStore, kind: str) -> Iterator[Client]:
    """Either client over every tier. It reads the archive where the ledger says it is."""
    with opened(kind, tier.installed.dsn, schema=tier.installed.schema) as client:
        yield client


@pytest.fixture
def open_client(kind: str) -> Iterator[Callable[..., Client]]:
    """Open stores with either client; they are closed after the test."""
    with ExitStack() as stack:

        def open_client(installed: InstalledStore, **options: Any) -> Client:
            context: AbstractContextManager[Client] = opened(
                kind, installed.dsn, schema=installed.schema, **options
            )
            return stack.enter_context(context)

        yield open_client


_numbers = count(1)


@pytest.fixture(scope="module")
def module_store(dsn: str) -> Iterator[InstalledStore]:
    """A store for all the tests of a module, its background jobs switched off."""
    store = without_jobs(install_store(dsn, f"module_{next(_numbers)}"))
    yield store
    drop_store(dsn, store.schema)


@pytest.fixture
def quiet_store(fresh_store: InstalledStore) -> InstalledStore:
    """A store in a schema of its own, its background jobs switched off."""
    return without_jobs(fresh_store)
