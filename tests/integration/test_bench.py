"""coldstream bench: that every row runs, and that nothing is left. Not how fast: see the benchmark.

On the embedded server what needs several connections is not measured, and says so.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tests.fix_cli import Cli
from tests.fix_native import NATIVE_DSN
from tests.fix_store import InstalledStore

from coldstream_bench import groups
from coldstream_bench.groups.growth import planning

PROGRAM = [sys.executable, "-c", "import sys; from coldstream.cli import main; sys.exit(main())"]
NEED_CONNECTIONS = {"write.8_clients_8_categories", "write.8_clients_1_category", "write.appender"}
NEED_CONNECTIONS |= {"consumer.latency.poll", "consumer.latency_p99.poll"}
NEED_CONNECTIONS |= {"consumer.latency.notify", "consumer.latency_p99.notify"}
NEED_CONNECTIONS |= {"consumer.latency.watch", "consumer.latency_p99.watch"}
NEED_CONNECTIONS |= {"consumer.notify_writes", "consumer.watch_writes"}
NEED_CONNECTIONS |= {"growth.8_clients_8_categories", "growth.8_clients_1_category"}
NEED_CONNECTIONS |= {"growth.appender"}
# The database asks the archive server, which asks the database.
NEED_CONNECTIONS |= {"archive.sql_stream_first", "archive.sql_stream_again"}
NEED_CONNECTIONS |= {"archive.sql_page", "archive.sql_replay"}
NEED_SUPERUSER = {row.key for row in planning.ROWS}
# PostgreSQL gives nothing back when its oldest rows go.
MAY_BE_ZERO = {"retention.returned", "growth.drop_returned"}


def others_of(key: str) -> set[str]:
    """Who is measured beside the store in a row of growth."""
    if fnmatch_any(key, "*.bare_*", "*.batch_*", "*.appender", "growth.archive*", "*.verify"):
        return set()
    if fnmatch_any(key, "*.8_clients_*", "*.import", "*.storage.*", "*.archived"):
        return {"plain"}
    return {"plain", "seed"}


def fnmatch_any(key: str, *patterns: str) -> bool:
    return any(fnmatchcase(key, pattern) for pattern in patterns)


def found(dsn: str) -> set[Any]:
    """Schemas, hypertables and roles of benchmarks. Roles are the server's: another run, in another
    database of it, may have one."""
    with psycopg.connect(dsn) as connection:
        rows = connection.execute(
            "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'bench\\_%' "
            "UNION ALL SELECT rolname FROM pg_roles WHERE rolname LIKE 'bench\\_______' "
            "UNION ALL SELECT hypertable_schema FROM timescaledb_information.hypertables "
            "WHERE hypertable_schema LIKE 'bench\\_%'"
        )
        return set(rows.fetchall())


@pytest.fixture
def bench_dsn(dsn: str, message_store: InstalledStore) -> Iterator[str]:
    """A database with the extension, which the benchmark does not create. Whatever a test does,
    nothing may be left of it."""
    assert message_store.dsn == dsn
    before = found(dsn)
    yield dsn
    assert found(dsn) <= before


def test_every_row_runs(bench_dsn: str, cli: Cli, tmp_path: Path) -> None:
    files = ["--html", str(tmp_path / "page.html"), "--plot", str(tmp_path / "plot.svg")]
    ran = cli("bench", "--quick", "--json", "--dsn", bench_dsn, *files)
    report = ran.json
    assert [row["key"] for row in report["rows"]] == [
        row.key for row in groups.rows() if not row.needs_sample
    ]
    not_measured = {row["key"]: row["note"] for row in report["rows"] if row["coldstream"] is None}
    assert not_measured.keys() == (set() if NATIVE_DSN else NEED_CONNECTIONS | NEED_SUPERUSER)
    assert all(not_measured.values())
    for row in report["rows"]:
        if row["key"] in not_measured:
            continue
        assert row["coldstream"] > 0, row
        if row["ratio_is"] != "limit":
            assert row["key"] in MAY_BE_ZERO or row["ratio"] > 0, row
            if not row["chunks"] or "plain" in row["series"]:
                assert row["key"] in MAY_BE_ZERO or row["plain"] > 0, row
        if row["chunks"]:
            assert row["chunks"] == [1, 4]
            assert all(len(values) == 2 for values in row["series"].values())
            assert row["series"].keys() == {"coldstream", *others_of(row["key"])}
        assert row["target"] is None or row["met"] in (True, False)
    assert report["embedded"] is not bool(NATIVE_DSN)
    assert report["versions"].keys() == {"coldstream", "postgresql", "timescaledb", "psycopg"}
    assert (tmp_path / "page.html").read_text().endswith("</html>\n")
    assert (tmp_path / "plot.svg").read_text().endswith("</svg>\n")


@pytest.mark.parametrize(("sent", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_run_leaves_nothing(
    bench_dsn: str, tmp_path: Path, sent: signal.Signals, status: int
) -> None:
    words = ["bench", "--quick", "--dsn", bench_dsn, "--rows", "write.one_client", "--rows", "r*"]
    with subprocess.Popen(
        [*PROGRAM, *words, "--seconds", "60"],
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"TMPDIR": str(tmp_path)},
    ) as process:
        assert process.stderr is not None
        assert process.stderr.readline().startswith("load history")
        # It is writing now, for a minute.
        time.sleep(0.5)
        process.send_signal(sent)
        said = process.stderr.read()
    assert process.returncode == status, said
    assert list(tmp_path.iterdir()) == []


def test_a_sample_of_a_store(bench_dsn: str, store_schema: InstalledStore, cli: Cli) -> None:
    store_schema.run(
        "SELECT write_message(gen_random_uuid()::varchar, 'mine-' || n % 100, 'Happened', "
        "jsonb_build_object('n', n)) FROM generate_series(1, 1200) AS n"
    )
    ran = cli(
        *("bench", "--quick", "--json", "--dsn", bench_dsn, "--from-dsn", bench_dsn),
        *("--rows", "storage.sample.warm", "--rows", "read.category_correlation.hot"),
    )
    assert ran.json["workload"] == "messages of schema message_store"
    correlation, stored = ran.json["rows"]
    assert stored["key"] == "storage.sample.warm"
    assert stored["coldstream"] > 0
    assert correlation["note"] == "no message of the sample is correlated"


def test_an_archive_that_was_named(bench_dsn: str, cli: Cli, tmp_path: Path) -> None:
    words = ["--archive", str(tmp_path), "--archive-option", "timeout=9s"]
    rows = ["--rows", "archive.stream_*", "--rows", "archive.replay"]
    (tmp_path / "mine").touch()
    ran = cli("bench", "--quick", "--json", "--dsn", bench_dsn, *words, *rows)
    measured = {row["key"]: row for row in ran.json["rows"]}
    assert measured.keys() == {"archive.stream_first", "archive.stream_again", "archive.replay"}
    assert {row["note"] for row in measured.values()} == {"a folder"}
    assert measured["archive.replay"]["more"]["objects"] == 4
    assert str(tmp_path) not in ran.out
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_where_no_archive_can_be(bench_dsn: str, cli: Cli, tmp_path: Path) -> None:
    """It is used: what is measured there fails, and nothing is left in the database."""
    (tmp_path / "mine").touch()
    words = ["--archive", str(tmp_path / "mine"), "--rows", "archive.replay"]
    ran = cli("bench", "--quick", "--dsn", bench_dsn, *words)
    assert ran.status == 1
    assert "a file is in the way of a folder" in ran.err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--rows", "no.such.row"], "No row matches no.such.row"),
        (["--full"], "--full and --quick"),
        (["--html", "/no/such/folder/page.html"], "no folder"),
        (["--from-dsn", "FEW"], "Only 0 messages"),
    ],
)
def test_wrong_usage(
    bench_dsn: str, store_schema: InstalledStore, cli: Cli, words: list[str], says: str
) -> None:
    words = [bench_dsn if word == "FEW" else word for word in words]
    ran = cli("bench", "--quick", "--dsn", bench_dsn, *words)
    assert (ran.status, ran.out) == (2, "")
    assert says in ran.err


def test_a_server_must_be_named_unless_it_is_quick(cli: Cli) -> None:
    ran = cli("bench")
    assert ran.status == 2
    assert "No server to measure" in ran.err
