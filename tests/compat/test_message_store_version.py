"""message_store_version."""

import psycopg

from .statements import value


def test_it_is_the_version_whose_behaviour_this_is(db: psycopg.Connection):
    assert value(db, "SELECT message_store_version()") == "1.3.0"
