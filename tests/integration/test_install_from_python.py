"""What a program needs to install a store, and what its tests need."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.fix_store import drop_store

import coldstream
from coldstream import InvalidInput

SCHEMA = "from_python"


def test_a_store_is_installed_and_used(dsn: str) -> None:
    try:
        assert coldstream.install(dsn, schema=SCHEMA, dry_run=True).changed
        with pytest.raises(coldstream.NotInstalled), coldstream.connect(dsn, schema=SCHEMA):
            pass
        done = coldstream.install(dsn, schema=SCHEMA, chunk_interval=timedelta(days=1))
        assert done.actions
        assert not coldstream.install(dsn, schema=SCHEMA).changed
        with coldstream.connect(dsn, schema=SCHEMA) as store:
            assert store.write_message("account-1", "Opened", {}).position == 0
    finally:
        drop_store(dsn, SCHEMA)


def test_a_mistake_is_one_line(dsn: str) -> None:
    with pytest.raises(InvalidInput, match="layout must be"):
        coldstream.install(dsn, layout="rows")
