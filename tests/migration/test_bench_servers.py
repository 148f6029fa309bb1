"""The benchmark says what a server lacks, before it makes anything there."""

from __future__ import annotations

import psycopg
import pytest
from tests.fix_cli import Cli
from tests.fix_cluster import StartCluster, require_timescaledb

pytestmark = pytest.mark.native


def test_a_server_without_the_columnstore_is_refused(start_cluster: StartCluster, cli: Cli) -> None:
    require_timescaledb()
    dsn = start_cluster(
        **{
            "shared_preload_libraries": "timescaledb",
            "timescaledb.license": "apache",
            "timescaledb.telemetry_level": "off",
        }
    )
    ran = cli("bench", "--quick", "--dsn", dsn)
    assert ran.status == 1
    assert "The database has no TimescaleDB" in ran.err
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("CREATE EXTENSION timescaledb")
    ran = cli("bench", "--quick", "--dsn", dsn)
    assert ran.status == 1
    assert "no columnstore to measure" in ran.err
    with psycopg.connect(dsn, autocommit=True) as connection:
        made = connection.execute("SELECT 1 FROM pg_namespace WHERE nspname LIKE 'bench%'")
        assert made.fetchall() == []
