"""The embedded server behaves like a PostgreSQL server that takes one connection."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest
from psycopg_pool import ConnectionPool

from coldstream.embedded import EmbeddedServer, datadir
from coldstream.errors import EmbeddedError

Connection = psycopg.Connection[tuple[object, ...]]


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedServer]:
    with EmbeddedServer() as running:
        yield running


@pytest.fixture
def connection(server: EmbeddedServer) -> Iterator[Connection]:
    with psycopg.connect(server.dsn, autocommit=True) as opened:
        yield opened


def one(connection: Connection, sql: str, *parameters: object) -> object:
    row = connection.execute(sql.encode(), parameters or None).fetchone()
    assert row is not None
    return row[0]


def drop_line(connection: Connection) -> None:
    """Closes the socket without a goodbye, as a killed client does."""
    with socket.socket(fileno=os.dup(connection.fileno())) as line:
        line.shutdown(socket.SHUT_RDWR)


def refused(dsn: str) -> str:
    with pytest.raises(psycopg.OperationalError) as caught:
        psycopg.connect(dsn)
    return str(caught.value)


# -- TimescaleDB -------------------------------------------------------------------------------

HYPERTABLE = """
CREATE TABLE {name} (time timestamptz NOT NULL, series text, value int);
SELECT create_hypertable('{name}', by_range('time', interval '1 day'));
INSERT INTO {name}
SELECT '2026-01-01'::timestamptz + i * interval '1 minute', 's' || i % 7, i
FROM generate_series(0, 7199) AS i;
ALTER TABLE {name} SET (timescaledb.compress, timescaledb.compress_orderby = 'series, time');
"""


def test_a_hypertable_is_compressed_and_loses_chunks(connection: Connection) -> None:
    connection.execute(HYPERTABLE.format(name="readings").encode())
    assert one(connection, "SELECT count(compress_chunk(c)) FROM show_chunks('readings') AS c") == 5
    assert one(connection, "SELECT sum(value) FROM readings") == sum(range(7200))
    dropped = connection.execute(
        "SELECT drop_chunks('readings', older_than => timestamptz '2026-01-03')"
    ).fetchall()
    assert len(dropped) == 2
    assert one(connection, "SELECT min(value) FROM readings") == 2 * 1440


def test_the_same_with_an_async_connection(server: EmbeddedServer) -> None:
    async def use() -> object:
        async with await psycopg.AsyncConnection.connect(server.dsn) as connection:
            await connection.execute(HYPERTABLE.format(name="readings_async").encode())
            await connection.execute(
                "SELECT compress_chunk(c) FROM show_chunks('readings_async') AS c"
            )
            cursor = await connection.execute("SELECT count(*) FROM readings_async")
            row = await cursor.fetchone()
            assert row is not None
            return row[0]

    assert asyncio.run(use()) == 7200


def test_freeze_chunk_refuses_inserts(connection: Connection) -> None:
    connection.execute(HYPERTABLE.format(name="frozen").encode())
    chunk = one(connection, "SELECT c::text FROM show_chunks('frozen') AS c LIMIT 1")
    connection.execute("SELECT _timescaledb_functions.freeze_chunk(%s)", (chunk,))
    with pytest.raises(psycopg.errors.FeatureNotSupported, match="frozen"):
        connection.execute("INSERT INTO frozen VALUES ('2026-01-01', 's', 1)")
    connection.execute("SELECT _timescaledb_functions.unfreeze_chunk(%s)", (chunk,))
    connection.execute("INSERT INTO frozen VALUES ('2026-01-01', 's', 1)")


def test_triggers_on_a_hypertable(connection: Connection) -> None:
    connection.execute(HYPERTABLE.format(name="watched").encode())
    connection.execute("""
        CREATE TABLE seen (what text);
        CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          INSERT INTO seen VALUES (concat_ws(' ', tg_when, tg_op, tg_level));
          RETURN new;
        END $$;
        CREATE TRIGGER a BEFORE INSERT ON watched FOR EACH ROW EXECUTE FUNCTION see();
        CREATE TRIGGER b AFTER INSERT ON watched FOR EACH ROW EXECUTE FUNCTION see();
        CREATE TRIGGER c AFTER TRUNCATE ON watched FOR EACH STATEMENT EXECUTE FUNCTION see();
        INSERT INTO watched VALUES ('2026-01-01', 's', 1);
        TRUNCATE watched RESTART IDENTITY;
    """)
    rows = connection.execute("SELECT what FROM seen").fetchall()
    assert rows == [
        ("BEFORE INSERT ROW",),
        ("AFTER INSERT ROW",),
        ("AFTER TRUNCATE STATEMENT",),
    ]


# -- one connection at a time ------------------------------------------------------------------


def test_a_second_connection_is_refused_and_the_first_goes_on(server: EmbeddedServer) -> None:
    with psycopg.connect(server.dsn, application_name="holder") as first:
        first.execute("CREATE TABLE untouched (value int)")
        began = time.monotonic()
        answer = refused(server.dsn)
        assert time.monotonic() - began < 3
        assert "one connection at a time" in answer
        assert 'application "holder"' in answer
        assert one(first, "SELECT count(*) FROM untouched") == 0
        first.rollback()


def test_the_refusal_is_sqlstate_53300(server: EmbeddedServer, connection: Connection) -> None:
    body = struct.pack("!i", 196608) + b"user\0postgres\0database\0postgres\0\0"
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as line:
        line.sendall(struct.pack("!i", len(body) + 4) + body)
        answer = b"".join(iter(lambda: line.recv(4096), b""))
    assert answer.startswith(b"E")
    assert b"\0C53300\0" in answer
    assert b"SFATAL\0" in answer


def test_a_second_connection_is_refused_during_a_statement(server: EmbeddedServer) -> None:
    with psycopg.connect(server.dsn) as first:
        busy = threading.Thread(target=first.execute, args=("SELECT pg_sleep(2)",))
        busy.start()
        began = time.monotonic()
        answer = refused(server.dsn)
        assert time.monotonic() - began < 1.5
        assert "one connection at a time" in answer
        busy.join()
        assert one(first, "SELECT 1") == 1


def test_connecting_again_at_once_works(server: EmbeddedServer) -> None:
    for turn in range(40):
        with psycopg.connect(server.dsn) as connection:
            assert one(connection, "SELECT %s::int", turn) == turn


def test_a_pool_of_one_replaces_its_connection(server: EmbeddedServer) -> None:
    with ConnectionPool(server.dsn, min_size=1, max_size=1, max_lifetime=0.1, timeout=5) as pool:
        used = set()
        for _ in range(10):
            with pool.connection() as connection:
                used.add(connection)
                connection.execute("SELECT pg_sleep(0.03)")
    assert len(used) > 1


def test_connecting_again_after_a_lost_line_works(server: EmbeddedServer) -> None:
    for turn in range(10):
        connection = psycopg.connect(server.dsn)
        assert one(connection, "SELECT %s::int", turn) == turn
        drop_line(connection)
        connection.close()


def test_a_client_may_leave_while_its_statement_runs(server: EmbeddedServer) -> None:
    connection = psycopg.connect(server.dsn)
    connection.pgconn.send_query(b"SELECT pg_sleep(1)")
    connection.pgconn.flush()
    connection.close()
    with psycopg.connect(server.dsn) as following:
        assert one(following, "SELECT 1") == 1


@pytest.mark.parametrize("lost", [False, True])
def test_the_next_client_finds_a_clean_session(server: EmbeddedServer, lost: bool) -> None:
    first = psycopg.connect(server.dsn)
    first.execute("CREATE TABLE never (value int)")
    first.execute("CREATE TEMP TABLE scratch ON COMMIT PRESERVE ROWS AS SELECT 1")
    first.execute("SELECT pg_advisory_lock(7), set_config('TimeZone', 'Asia/Tokyo', false)")
    first.execute("DECLARE mine CURSOR WITH HOLD FOR SELECT 1")
    if lost:
        drop_line(first)
    first.close()
    with psycopg.connect(server.dsn, autocommit=True) as second:
        assert second.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
        assert one(second, "SELECT to_regclass('never')") is None
        assert one(second, "SELECT to_regclass('scratch')") is None
        assert one(second, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == 0
        assert one(second, "SELECT count(*) FROM pg_cursors WHERE name = 'mine'") == 0
        assert one(second, "SHOW TimeZone") == "GMT"


def test_a_failed_transaction_is_not_inherited(server: EmbeddedServer) -> None:
    first = psycopg.connect(server.dsn)
    with pytest.raises(psycopg.errors.DivisionByZero):
        first.execute("SELECT 1/0")
    drop_line(first)
    first.close()
    with psycopg.connect(server.dsn) as second:
        assert one(second, "SELECT 1") == 1


# -- the protocol ------------------------------------------------------------------------------


def test_large_results_and_large_parameters(connection: Connection) -> None:
    assert one(connection, "SELECT repeat('x', 20000000)") == "x" * 20_000_000
    assert one(connection, "SELECT length(%s)", "y" * 5_000_000) == 5_000_000
    rows = connection.execute("SELECT i, repeat('z', 100) FROM generate_series(1, 50000) i")
    assert sum(1 for _ in rows) == 50_000


def test_copy_out(connection: Connection) -> None:
    with connection.cursor().copy("COPY (SELECT generate_series(1, 30000)) TO STDOUT") as copy:
        assert [row[0] for row in copy.rows()] == [str(i) for i in range(1, 30001)]


@pytest.mark.parametrize("form", ["text", "binary"])
def test_copy_in(connection: Connection, form: str) -> None:
    connection.execute("CREATE TEMP TABLE target (id int, body text)")
    with connection.cursor().copy(f"COPY target FROM STDIN (FORMAT {form})".encode()) as copy:
        copy.set_types(["int4", "text"])
        for i in range(20_000):
            copy.write_row((i, "b" * 100))
    assert one(connection, "SELECT sum(id) FROM target") == sum(range(20_000))
    connection.execute("DROP TABLE target")


def test_copy_in_that_fails(connection: Connection) -> None:
    connection.execute("CREATE TEMP TABLE target (id int)")

    def copy_in(lines: Iterable[bytes]) -> None:
        with connection.cursor().copy("COPY target FROM STDIN") as copy:
            for line in lines:
                copy.write(line)

    def broken() -> Iterator[bytes]:
        yield b"1\n"
        raise ZeroDivisionError

    with pytest.raises(psycopg.errors.InvalidTextRepresentation):
        copy_in([b"not a number\n"] * 100_000)
    with pytest.raises(ZeroDivisionError):
        copy_in(broken())
    assert one(connection, "SELECT count(*) FROM target") == 0
    connection.execute("DROP TABLE target")


def test_a_client_may_leave_in_the_middle_of_copy_in(server: EmbeddedServer) -> None:
    first = psycopg.connect(server.dsn, autocommit=True)
    first.execute("CREATE TABLE half (id int)")
    first.pgconn.exec_(b"COPY half FROM STDIN")
    first.pgconn.put_copy_data(b"1\n")
    first.pgconn.flush()
    drop_line(first)
    first.close()
    with psycopg.connect(server.dsn) as second:
        assert one(second, "SELECT count(*) FROM half") == 0


def test_a_pipeline_and_its_recovery_from_an_error(connection: Connection) -> None:
    with connection.pipeline():
        cursors = [connection.execute("SELECT %s::int", (i,)) for i in range(200)]
    assert [cursor.fetchone() for cursor in cursors] == [(i,) for i in range(200)]

    def fail() -> None:
        with connection.pipeline():
            connection.execute("SELECT 1")
            connection.execute("SELECT 1/0")
            connection.execute("SELECT 2")

    with pytest.raises(psycopg.errors.DivisionByZero):
        fail()
    with connection.pipeline():
        after = connection.execute("SELECT 3")
    assert after.fetchone() == (3,)


def test_a_server_side_cursor(connection: Connection) -> None:
    with connection.transaction(), connection.cursor("named") as cursor:
        cursor.itersize = 100
        cursor.execute("SELECT generate_series(1, 1000)")
        assert list(cursor) == [(i,) for i in range(1, 1001)]


def test_prepared_statements(connection: Connection) -> None:
    for i in range(20):
        row = connection.execute("SELECT %s::int + 1", (i,), prepare=True).fetchone()
        assert row == (i + 1,)


def test_notices_and_notifications(connection: Connection) -> None:
    notices: list[str | None] = []
    connection.add_notice_handler(lambda notice: notices.append(notice.message_primary))
    connection.execute("DO $$ BEGIN RAISE NOTICE 'careful'; END $$")
    assert notices == ["careful"]
    connection.execute("LISTEN things")
    connection.execute("NOTIFY things, 'done'")
    assert [n.payload for n in connection.notifies(timeout=2, stop_after=1)] == ["done"]


def test_an_error_keeps_its_fields(connection: Connection) -> None:
    with pytest.raises(psycopg.errors.RaiseException) as caught:
        connection.execute("DO $$ BEGIN RAISE 'no' USING hint = 'try', detail = 'why'; END $$")
    assert (caught.value.diag.message_hint, caught.value.diag.message_detail) == ("try", "why")


def test_cancelling_does_no_harm(connection: Connection) -> None:
    connection.cancel_safe()
    assert one(connection, "SELECT 1") == 1


def test_an_encrypted_connection_is_declined(server: EmbeddedServer) -> None:
    plain = server.dsn.replace("sslmode=disable", "sslmode=prefer")
    with psycopg.connect(plain) as connection:
        assert one(connection, "SELECT 1") == 1
    encrypted = server.dsn.replace("sslmode=disable", "sslmode=require")
    assert "does not support SSL" in refused(encrypted)


@pytest.mark.parametrize(
    "noise", [b"GET / HTTP/1.1\r\n\r\n", b"\0\0\0\x08\0\x02\0\0", b"\0\0\0\x04", b""]
)
def test_noise_on_the_port_does_no_harm(server: EmbeddedServer, noise: bytes) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as line:
        line.sendall(noise)
        line.shutdown(socket.SHUT_WR)
        with suppress(ConnectionResetError):
            while line.recv(4096):
                pass
    with psycopg.connect(server.dsn) as connection:
        assert one(connection, "SELECT 1") == 1


def test_an_unknown_message_ends_the_session_only(server: EmbeddedServer) -> None:
    connection = psycopg.connect(server.dsn)
    with socket.socket(fileno=os.dup(connection.fileno())) as line:
        line.sendall(b"z\0\0\0\x04")
    with pytest.raises(psycopg.OperationalError, match="invalid frontend message type 122"):
        connection.execute("SELECT 1")
    connection.close()
    with psycopg.connect(server.dsn) as following:
        assert one(following, "SELECT 1") == 1


def test_functions_may_nest_deeply(connection: Connection) -> None:
    connection.execute("""
        CREATE OR REPLACE FUNCTION deep(n int) RETURNS int LANGUAGE plpgsql AS $$
        BEGIN IF n = 0 THEN RETURN 0; END IF; RETURN 1 + deep(n - 1); END $$
    """)
    assert one(connection, "SELECT deep(1000)") == 1000


# -- settings and logins -----------------------------------------------------------------------


def test_changed_settings_are_reported(connection: Connection) -> None:
    assert connection.info.server_version == 170005
    assert connection.info.parameter_status("TimeZone") == "GMT"
    connection.execute("SET TimeZone = 'Europe/Paris'")
    assert connection.info.parameter_status("TimeZone") == "Europe/Paris"
    connection.execute("SELECT set_config('TimeZone', 'UTC', false)")
    assert connection.info.parameter_status("TimeZone") == "UTC"
    with suppress(psycopg.Rollback), connection.transaction(force_rollback=True):
        connection.execute("SET TimeZone = 'Asia/Tokyo'")
        assert connection.info.parameter_status("TimeZone") == "Asia/Tokyo"
    assert connection.info.parameter_status("TimeZone") == "UTC"


def test_a_transaction_may_set_its_isolation_after_a_setting(connection: Connection) -> None:
    with connection.transaction():
        connection.execute("SET LOCAL TimeZone = 'Asia/Tokyo'")
        connection.execute("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE")
        assert one(connection, "SHOW transaction_isolation") == "serializable"


@pytest.mark.parametrize("sql", ["RESET ALL", "DISCARD ALL", "RESET search_path"])
def test_defaults_are_those_of_a_server(connection: Connection, sql: str) -> None:
    connection.execute("SET search_path = pg_catalog")
    connection.execute(sql.encode())
    assert one(connection, "SHOW search_path") == '"$user", public'
    assert one(connection, "SHOW enable_seqscan") == "on"
    assert one(connection, "SELECT current_database()") == "postgres"


def test_a_reset_of_the_user_returns_to_the_login(connection: Connection) -> None:
    connection.execute("CREATE ROLE somebody")
    for reset in ("RESET SESSION AUTHORIZATION", "SET SESSION AUTHORIZATION DEFAULT"):
        connection.execute("SET SESSION AUTHORIZATION somebody")
        connection.execute("RESET ALL")
        assert one(connection, "SELECT session_user") == "somebody"
        connection.execute(reset.encode())
        assert one(connection, "SELECT session_user") == "postgres"
        assert connection.info.parameter_status("session_authorization") == "postgres"


def test_a_role_logs_in_with_its_own_settings(server: EmbeddedServer) -> None:
    with psycopg.connect(server.dsn, autocommit=True) as admin:
        admin.execute("CREATE ROLE reader LOGIN")
        admin.execute("ALTER ROLE reader SET search_path = elsewhere, public")
        admin.execute("CREATE TABLE secret (value int)")
    as_reader = server.dsn.replace("//postgres:postgres@", "//reader:any@")
    with psycopg.connect(as_reader, autocommit=True, options="-c work_mem=7MB") as reader:
        for _ in range(2):
            assert one(reader, "SELECT session_user") == "reader"
            assert one(reader, "SHOW search_path") == "elsewhere, public"
            assert one(reader, "SHOW work_mem") == "7MB"
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                reader.execute("SELECT * FROM secret")
            # A reset returns to the login, not to the server's own user.
            reader.execute("DISCARD ALL")
    with psycopg.connect(server.dsn) as admin:
        assert one(admin, "SELECT session_user") == "postgres"
        assert one(admin, "SHOW work_mem") == "4MB"


@pytest.mark.parametrize(
    ("change", "answer"),
    [
        (("/postgres?", "/other?"), 'database "other" does not exist'),
        (("//postgres:", "//nobody:"), 'role "nobody" does not exist'),
        (("//postgres:", "//pg_monitor:"), 'role "pg_monitor" is not permitted to log in'),
        (("?", "?options=-c%20work_mem%3Dmuch&"), 'invalid value for parameter "work_mem"'),
        (("?", "?options=-x&"), "invalid command-line argument"),
    ],
)
def test_a_login_that_cannot_be(
    server: EmbeddedServer, change: tuple[str, str], answer: str
) -> None:
    assert answer in refused(server.dsn.replace(*change, 1))
    with psycopg.connect(server.dsn) as connection:
        assert one(connection, "SELECT 1") == 1


# -- starting and stopping ---------------------------------------------------------------------


def gone(pid: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


def test_starting_and_stopping(tmp_path: Path) -> None:
    server = EmbeddedServer()
    for use in (lambda: server.dsn, lambda: server.pid):
        with pytest.raises(EmbeddedError, match="not started"):
            use()
    server.stop()
    with server:
        pid = server.pid
        with pytest.raises(EmbeddedError, match="started already"):
            server.start()
        client = psycopg.connect(server.dsn)
    with pytest.raises(psycopg.errors.AdminShutdown, match="shutting down"):
        client.execute("SELECT 1")
    client.close()
    server.stop()
    assert gone(pid, 15)


def test_a_data_directory_keeps_its_data(tmp_path: Path) -> None:
    path = tmp_path / "data"
    with EmbeddedServer(path) as server:
        with psycopg.connect(server.dsn, autocommit=True) as connection:
            connection.execute(HYPERTABLE.format(name="kept").encode())
        with pytest.raises(EmbeddedError, match="another embedded server") as caught:
            EmbeddedServer(path).start()
        assert str(server.pid) in str(caught.value)
    with (
        EmbeddedServer(path) as server,
        psycopg.connect(server.dsn, autocommit=True) as connection,
    ):
        # The first statement of a session: the extension has to be there without being asked.
        connection.execute("INSERT INTO kept VALUES ('2027-01-01', 's', 1)")
        assert one(connection, "SELECT count(*) FROM kept") == 7201
        assert one(connection, "SELECT count(*) FROM show_chunks('kept')") == 6


def test_two_servers_side_by_side() -> None:
    with EmbeddedServer() as a, EmbeddedServer() as b, psycopg.connect(a.dsn) as first:
        first.execute("CREATE TABLE here (value int)")
        first.commit()
        with psycopg.connect(b.dsn) as second:
            assert one(second, "SELECT to_regclass('here')") is None


def test_a_port_that_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        server = EmbeddedServer(port=taken.getsockname()[1])
        with pytest.raises(EmbeddedError, match="EADDRINUSE"):
            server.start()
        server.stop()


def test_stopping_during_a_statement_is_bounded() -> None:
    server = EmbeddedServer()
    server.start()
    pid = server.pid
    client = psycopg.connect(server.dsn)
    client.pgconn.send_query(b"SELECT pg_sleep(600)")
    client.pgconn.flush()
    began = time.monotonic()
    server.stop()
    assert time.monotonic() - began < 15
    assert gone(pid, 15)
    client.close()


PARENT = """
import sys, time, json
from coldstream.embedded import EmbeddedServer, datadir
server = EmbeddedServer(sys.argv[1])
server.start()
print(json.dumps([server.pid, server.dsn]), flush=True)
time.sleep(600)
"""


def test_a_killed_parent_leaves_no_server_and_no_lock(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path / "data")], stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout is not None
        pid, dsn = json.loads(parent.stdout.readline())
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 42 AS value")
        parent.kill()
    # At once: the new server waits for the old one's engine to go.
    with EmbeddedServer(tmp_path / "data") as server, psycopg.connect(server.dsn) as connection:
        # The lock is free a little before the process is off the system's list.
        assert gone(pid, 15)
        assert one(connection, "SELECT value FROM kept") == 42


def test_a_stuck_engine_without_its_parent_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(datadir, "_ORPHAN_S", 0.5)
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path / "data")], stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout is not None
        pid, _ = json.loads(parent.stdout.readline())
        os.kill(pid, signal.SIGSTOP)
        with pytest.raises(EmbeddedError, match="another embedded server"):
            EmbeddedServer(tmp_path / "data").start()
        parent.kill()
    with EmbeddedServer(tmp_path / "data"):
        assert gone(pid, 15)


def test_a_killed_server_is_reported_and_its_data_is_kept(tmp_path: Path) -> None:
    server = EmbeddedServer(tmp_path / "data")
    server.start()
    with psycopg.connect(server.dsn, autocommit=True) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS value")
    assert server.alive
    os.kill(server.pid, signal.SIGKILL)
    with pytest.raises(EmbeddedError, match=r"has ended \(status -9\)"):
        server.wait()
    assert server.alive is False
    server.stop()
    with server, psycopg.connect(server.dsn) as connection:
        assert one(connection, "SELECT value FROM kept") == 42


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_the_command_stops_cleanly(tmp_path: Path, sign: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "coldstream.embedded", "--data-dir", str(tmp_path / "data")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A group of its own: Ctrl-C reaches every process of it.
        process_group=0,
    ) as command:
        assert command.stdout is not None
        assert command.stderr is not None
        dsn = command.stdout.readline().strip()
        assert "never for production" in command.stdout.readline()
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 42 AS value")
        pid = json.loads((tmp_path / "data" / "server.lock").read_text())["pid"]
        os.killpg(command.pid, sign)
        assert command.wait(timeout=10) == 0
        assert command.stderr.read() == ""
    assert gone(pid, 15)


def test_the_command_says_in_one_line_what_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    done = subprocess.run(
        [sys.executable, "-m", "coldstream.embedded", "--data-dir", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        f"error: {tmp_path} is not empty and was not made by the embedded server",
        "hint: Give a new directory.",
    ]


def test_an_engine_that_cannot_start_says_why(tmp_path: Path) -> None:
    with EmbeddedServer(tmp_path / "data"):
        pass
    (tmp_path / "data" / "pgdata" / "global" / "pg_control").write_bytes(b"")
    with pytest.raises(EmbeddedError, match="ended at its start"):
        EmbeddedServer(tmp_path / "data").start()


USER_TEST = """
import psycopg

def test_one(coldstream_dsn):
    with psycopg.connect(coldstream_dsn) as connection:
        connection.execute("CREATE TABLE shared (value int)")

def test_two(coldstream_dsn):
    with psycopg.connect(coldstream_dsn) as connection:
        connection.execute("SELECT * FROM shared")
"""


def run_pytest(directory: Path, source: str, dsn: str) -> subprocess.CompletedProcess[str]:
    (directory / "test_user.py").write_text(source)
    environment = {k: v for k, v in os.environ.items() if k != "COLDSTREAM_TEST_DSN"}
    if dsn:
        environment["COLDSTREAM_TEST_DSN"] = dsn
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=directory,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_fixture_starts_one_server_for_a_users_tests(tmp_path: Path) -> None:
    done = run_pytest(tmp_path, USER_TEST, "")
    assert "2 passed" in done.stdout, done.stdout + done.stderr


def test_the_fixture_gives_a_dsn_that_was_set(tmp_path: Path) -> None:
    source = "def test(coldstream_dsn): assert coldstream_dsn == 'postgresql://given'"
    done = run_pytest(tmp_path, source, "postgresql://given")
    assert "1 passed" in done.stdout, done.stdout + done.stderr
