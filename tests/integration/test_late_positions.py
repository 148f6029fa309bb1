"""Late messages have later positions than those they are older than: closed chunks then lie among
the positions of open ones, and a read must not step over what is between them."""

from __future__ import annotations

import pytest
from tests.fix_store import InstalledStore

INSERT = """
INSERT INTO messages (stream_name, position, type, time)
SELECT %s, n, 'T', now() - %s * INTERVAL '7 days' FROM generate_series(%s::int, %s::int) AS n
"""


@pytest.mark.parametrize("late", ["order", "account"])
def test_open_messages_between_closed_chunks(quiet_store: InstalledStore, late: str) -> None:
    # Weeks are counted back from now: the first stream's chunk is open, each other one closes.
    quiet_store.run(INSERT, ["account-1", 0, 0, 2])
    for week in (9, 7, 5):
        quiet_store.run(INSERT, [f"{late}-{week}", week, 0, 1])
        first = quiet_store.run("SELECT position + 1 FROM streams WHERE stream_name = 'account-1'")
        quiet_store.run(INSERT, ["account-1", 0, first[0][0], first[0][0] + 2])
    everything = [g for (g,) in quiet_store.run("SELECT global_position FROM messages ORDER BY 1")]
    of_category = [
        g
        for (g,) in quiet_store.run(
            "SELECT global_position FROM messages WHERE stream_category = 'account' ORDER BY 1"
        )
    ]
    quiet_store.run("CALL close_ended_chunks()")

    def read(call: str, batch_size: int) -> list[int]:
        found: list[int] = []
        while True:
            position = found[-1] + 1 if found else 1
            page = quiet_store.run(
                f"SELECT global_position FROM {call}", {"p": position, "b": batch_size}
            )
            found += [g for (g,) in page]
            if not page or batch_size == -1:
                return found

    for batch_size in (3, 4, 100, -1):
        assert read("get_all_messages(%(p)s, %(b)s)", batch_size) == everything
        category = "get_category_messages('account', %(p)s, %(b)s)"
        assert read(category, batch_size) == of_category
