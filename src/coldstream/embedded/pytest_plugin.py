"""A database for your tests.

Installed with Coldstream, so there is nothing to declare::

    def test_a_deposit(coldstream_dsn):
        with coldstream.connect(coldstream_dsn) as store:
            ...

``coldstream_dsn`` starts one embedded TimescaleDB for the whole session, when the first test asks
for it. It takes one connection at a time and keeps what a test wrote: use a schema a test, or
clean up. With ``COLDSTREAM_TEST_DSN`` in the environment the fixture is that DSN and starts
nothing, so the same tests run against a real server.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session")
def coldstream_dsn() -> Iterator[str]:
    """DSN of a TimescaleDB for this test session (``$COLDSTREAM_TEST_DSN``, else embedded)."""
    if given := os.environ.get("COLDSTREAM_TEST_DSN"):
        yield given
        return
    # Imported when asked for: every pytest run on this machine loads this plugin.
    from .server import EmbeddedServer

    with EmbeddedServer() as server:
        yield server.dsn
