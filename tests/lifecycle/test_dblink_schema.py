"""The archive server's password goes through dblink: its schema is in no other role's hands."""

from __future__ import annotations

import psycopg
import pytest
from tests.fix_store import InstalledStore

pytestmark = pytest.mark.native

_REGISTER = "SELECT register_archive_server('127.0.0.1', 5433, 'reader', 'secret')"
_OTHER = "dblink_planter"


@pytest.mark.parametrize(
    ("planted", "wrong"),
    [
        (f"CREATE SCHEMA coldstream_dblink AUTHORIZATION {_OTHER}", f"owned by {_OTHER}"),
        (
            "CREATE SCHEMA coldstream_dblink; "
            f"GRANT CREATE ON SCHEMA coldstream_dblink TO {_OTHER}",
            f"open to {_OTHER}",
        ),
        (
            "CREATE SCHEMA coldstream_dblink; GRANT USAGE ON SCHEMA coldstream_dblink TO PUBLIC",
            "open to PUBLIC",
        ),
        ("CREATE SCHEMA coldstream_dblink", None),
        ("SELECT 1", None),
    ],
)
def test_a_schema_of_somebody_else_is_refused(
    fresh_store: InstalledStore, planted: str, wrong: str | None
) -> None:
    with fresh_store.connect() as connection, connection.transaction(force_rollback=True):
        connection.execute("DROP EXTENSION IF EXISTS dblink CASCADE")
        connection.execute("DROP SCHEMA IF EXISTS coldstream_dblink")
        connection.execute(f"CREATE ROLE {_OTHER}".encode())
        connection.execute(planted.encode())
        if wrong is None:
            connection.execute(_REGISTER)
            found = connection.execute(
                "SELECT has_schema_privilege(%s, 'coldstream_dblink', 'USAGE')", [_OTHER]
            ).fetchone()
            assert found == (False,)
            return
        with pytest.raises(psycopg.Error, match=wrong) as caught, connection.transaction():
            connection.execute(_REGISTER)
        assert caught.value.sqlstate == "CS008"
        # No extension, and no secret, was left there.
        for catalog in ("pg_extension WHERE extname = 'dblink'", "pg_foreign_server"):
            rows = connection.execute(f"SELECT FROM {catalog}".encode()).fetchall()
            assert rows == []


def test_dblink_that_is_there_is_opened_to_the_owner(fresh_store: InstalledStore) -> None:
    with fresh_store.connect() as connection, connection.transaction(force_rollback=True):
        connection.execute("DROP EXTENSION IF EXISTS dblink CASCADE")
        connection.execute("CREATE SCHEMA elsewhere")
        connection.execute("CREATE EXTENSION dblink SCHEMA elsewhere")
        connection.execute("CREATE ROLE dblink_owner")
        signature = connection.execute(
            "SELECT oid::regprocedure::text FROM pg_proc WHERE proname = 'archived_part_of_stream' "
            "AND pronamespace = %s::regnamespace",
            [fresh_store.schema],
        ).fetchone()
        assert signature is not None
        connection.execute(f"ALTER FUNCTION {signature[0]} OWNER TO dblink_owner".encode())
        connection.execute(_REGISTER)
        found = connection.execute(
            "SELECT has_schema_privilege('dblink_owner', 'elsewhere', 'USAGE')"
        ).fetchone()
        assert found == (True,)
