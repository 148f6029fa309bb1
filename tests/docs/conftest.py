"""A store for each page: empty, or with ten weeks of history, in schema message_store."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.fix_store import InstalledStore, drop_store, install_store
from tests.history import without_jobs

from coldstream.embedded.weeks import weeks_sql


@pytest.fixture
def new_page_store(
    dsn: str, message_store: InstalledStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., InstalledStore]]:
    """Make schema message_store anew, and name it, and a folder for the archive, in the
    environment. The other tests find an empty store there afterwards."""
    for name in [name for name in os.environ if name.startswith("COLDSTREAM_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("COLDSTREAM_DSN", dsn)
    monkeypatch.setenv("COLDSTREAM_ARCHIVE", (tmp_path / "archive").as_uri())
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.chdir(tmp_path)

    def new_page_store(*, install: bool, history: bool) -> InstalledStore:
        drop_store(dsn, "message_store")
        if install:
            # On a native server the jobs would compress and close while the page is at work.
            without_jobs(install_store(dsn, "message_store"))
        store = InstalledStore(dsn, "message_store")
        if history:
            store.run(weeks_sql(store.schema))
        return store

    yield new_page_store
    drop_store(dsn, "message_store")
    install_store(dsn, "message_store").run("ALTER ROLE message_store RESET ALL")
