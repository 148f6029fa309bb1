"""The history that the pages of docs/ begin with: ``coldstream dev --with-history``."""

from __future__ import annotations

import pytest
from tests.fix_store import InstalledStore

from coldstream import SetupError
from coldstream.embedded.weeks import MESSAGES, write_weeks


def test_it_is_written_into_an_empty_store_and_no_other(fresh_store: InstalledStore) -> None:
    write_weeks(fresh_store.dsn, fresh_store.schema)
    found = (
        "SELECT count(*), count(DISTINCT stream_name), min(time)::date::text, max(position) "
        "FROM messages"
    )
    assert fresh_store.run(found) == [(MESSAGES, 10, "2025-01-02", 69)]
    with pytest.raises(SetupError, match="has messages already"):
        write_weeks(fresh_store.dsn, fresh_store.schema)
    assert fresh_store.run(found) == [(MESSAGES, 10, "2025-01-02", 69)]
