"""Message DB's own scripts, run over a store, put other functions in the place of the store's."""

from __future__ import annotations

import psycopg
import pytest
from tests.history import END
from tests.lifecycle.conftest import Store

from coldstream.errors import LifecycleError
from coldstream.migrations import install
from coldstream.sql import Names

REPLACED = [
    "CREATE OR REPLACE FUNCTION {}.stream_version(stream_name varchar) RETURNS bigint "
    "LANGUAGE sql VOLATILE AS 'SELECT max(position) FROM {}.messages WHERE stream_name = $1'",
    "CREATE FUNCTION {}.stream_version(stream_name text, more text) RETURNS bigint "
    "LANGUAGE sql AS 'SELECT 1::bigint'",
    "DROP FUNCTION {}.stream_version(varchar)",
    "ALTER FUNCTION {}.write_message(varchar, varchar, varchar, jsonb, jsonb, bigint) "
    "SECURITY INVOKER",
]


@pytest.mark.parametrize("statement", REPLACED)
@pytest.mark.native
def test_the_lifecycle_does_not_work_with_them(small: Store, statement: str) -> None:
    schema = small.installed.schema
    with small.opened() as opened:
        assert opened.lifecycle.get_replaced_functions() is None
        small.run(statement.replace("{}", schema))
        for verb in (opened.lifecycle.compress, opened.lifecycle.archive, opened.lifecycle.drop):
            with pytest.raises(LifecycleError, match="not the ones that were installed") as raised:
                verb(END)
            assert "coldstream init" in (raised.value.hint or "")
        with pytest.raises(LifecycleError, match="not the ones that were installed"):
            opened.lifecycle.verify()
        replaced = opened.lifecycle.get_replaced_functions()
        assert replaced
        with psycopg.connect(small.installed.dsn, autocommit=True) as connection:
            for dry_run in (True, False):
                actions = install(connection, Names(schema), dry_run=dry_run).actions
                assert f"brought back functions that somebody replaced: {replaced}" in actions
        small.run(f"DROP FUNCTION IF EXISTS {schema}.stream_version(text, text)")
        install_again = small.run("SELECT record_functions()")
        assert install_again
        opened.lifecycle.archive(END)
        assert opened.lifecycle.get_replaced_functions() is None


def test_functions_of_the_users_own_are_nobodys_business(small: Store) -> None:
    small.run("CREATE FUNCTION mine() RETURNS integer LANGUAGE sql AS 'SELECT 1'")
    small.run("CREATE OR REPLACE FUNCTION mine() RETURNS integer LANGUAGE sql AS 'SELECT 2'")
    with small.opened() as opened:
        opened.lifecycle.archive(END)
