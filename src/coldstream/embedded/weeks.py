"""Ten weeks of history that are the same for everybody: what the pages of docs/ begin with."""

from __future__ import annotations

from importlib import resources

import coldstream
from coldstream.errors import SetupError
from coldstream.sql import Names

MESSAGES = 700


def weeks_sql(schema: str) -> str:
    """The statement that writes them, for a store that has no message yet."""
    text = resources.files("coldstream.embedded").joinpath("weeks.sql").read_text("utf-8")
    return Names(schema).render(text)


def write_weeks(dsn: str, schema: str = "message_store") -> None:
    """Install a store there, and give it the history.

    Raises:
        SetupError: it has messages already.
    """
    coldstream.install(dsn, schema=schema)
    with coldstream.connect(dsn, schema=schema, max_size=1) as store:
        if next(store.get_all_messages(batch_size=1), None) is not None:
            raise SetupError(
                f"The store in schema {schema} has messages already",
                hint="The history is for an empty one: leave --with-history out, or name another "
                "--data-dir.",
            )
        with store.connection() as connection:
            connection.execute(weeks_sql(schema).encode())
