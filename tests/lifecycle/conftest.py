"""A store with the history of tests/history.py, and its lifecycle."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.fix_store import InstalledStore
from tests.history import END, START, WEEK, history, insert, rows_of

import coldstream
from coldstream import Message


@dataclass(frozen=True)
class Store:
    """An installed store, where it archives, and the messages it was given."""

    installed: InstalledStore
    folder: Path
    truth: list[Message]

    @property
    def archive(self) -> str:
        return self.folder.as_uri()

    @contextmanager
    def opened(self, **options: Any) -> Iterator[coldstream.Store]:
        options = {"archive": self.archive, **options}
        with coldstream.connect(
            self.installed.dsn, schema=self.installed.schema, **options
        ) as store:
            yield store

    def run(self, statement: str, arguments: Any = None) -> list[tuple[Any, ...]]:
        return self.installed.run(statement, arguments)

    def run_behind(self, statement: str, arguments: Any = None) -> None:
        self.installed.run_behind(statement, arguments)

    def states(self) -> list[str]:
        """The states of the chunks of the history, oldest first."""
        return [
            state
            for (state,) in self.run(
                "SELECT state FROM get_chunks() WHERE range_end < now() - INTERVAL '60 days' "
                "ORDER BY range_start"
            )
        ]

    def snapshot(self) -> list[list[tuple[Any, ...]]]:
        """The ledger and the rows, to see that nothing changed."""
        return [
            self.run("SELECT to_jsonb(c) FROM chunks AS c ORDER BY range_start"),
            self.run("SELECT to_jsonb(c) FROM chunk_categories AS c ORDER BY 1"),
            self.run("SELECT to_jsonb(s) FROM streams AS s ORDER BY 1"),
            self.run("SELECT to_jsonb(m) FROM messages AS m ORDER BY 1"),
        ]

    def files(self) -> list[Path]:
        return sorted(path for path in self.folder.rglob("*") if path.is_file())

    def objects(self) -> list[Path]:
        return [path for path in self.files() if path.suffix in (".parquet", ".csv")]

    def read_all(self) -> list[Message]:
        with self.opened() as store:
            return list(store.get_all_messages())


@pytest.fixture
def store(quiet_store: InstalledStore, tmp_path: Path) -> Store:
    """All of the history, as rows."""
    insert(quiet_store, history())
    return Store(quiet_store, tmp_path / "archive", rows_of(quiet_store))


@pytest.fixture
def archived(store: Store) -> Store:
    """All of the history, in the archive alone."""
    with store.opened() as opened:
        lifecycle = opened.lifecycle
        lifecycle.compress(END)
        lifecycle.archive(END)
        lifecycle.verify()
        lifecycle.drop(END)
    return store


@pytest.fixture
def small(quiet_store: InstalledStore, tmp_path: Path) -> Store:
    """The first two chunks of the history, as rows: for what takes one chunk."""
    insert(quiet_store, [row for row in history() if row[2] < START + 2 * WEEK])
    return Store(quiet_store, tmp_path / "archive", rows_of(quiet_store))
