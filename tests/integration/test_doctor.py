"""The doctor finds what was planted, is silent on a healthy store, and says what it did not see.

Most faults are planted in a transaction that is rolled back, over the connection that looks.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo
from tests.fix_cli import Cli
from tests.fix_native import ENGINE, NATIVE_DSN, per_server
from tests.fix_store import InstalledStore, drop_store, install_store
from tests.history import END, START, WEEK, history, insert

import coldstream
from coldstream.doctor import Examination, Limits, examine
from coldstream.doctor.asked import Asked
from coldstream.doctor.examine import examined
from coldstream.errors import NotInstalled
from coldstream.migrations import Settings
from coldstream.migrations.connection import direct_connection

pytestmark = pytest.mark.skipif(
    ENGINE != "timescale",
    reason="not covered here: a run on TimescaleDB does it, also the ordinary table",
)

# What is so of the servers of these tests, whatever the store is like: they are made to be fast and
# small, and which of their jobs have run, or failed, by then is theirs.
OF_THE_SERVER = {
    "durability-off",
    "shared-buffers-small",
    "job-failed",
    "jobs-not-run",
    "job-missing",
    "toast-compression-pglz",
    "workers-few",
    "timescaledb-not-updated",
    "maintenance-memory-small",
    "parallel-off",
    "locks-few",
    "edition-apache",
    "timescaledb-fault",
}


@dataclass(frozen=True)
class Patient:
    """A store with two chunks in the archive alone, two archived and two compressed."""

    installed: InstalledStore
    folder: Path

    @contextmanager
    def connected(self) -> Iterator[psycopg.Connection[Any]]:
        with direct_connection(self.installed.dsn, self.installed.schema) as connection:
            yield connection

    def examined(self, **options: Any) -> Examination:
        with self.connected() as connection:
            return examine(connection, self.installed.schema, **options)


def codes(found: Examination) -> set[str]:
    return {each.code for each in found.findings}


@pytest.fixture(scope=per_server)
def patient(dsn: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Patient]:
    installed = install_store(dsn, "patient")
    insert(installed, history())
    folder = tmp_path_factory.mktemp("archive")
    with coldstream.connect(dsn, schema=installed.schema, archive=folder.as_uri()) as store:
        store.lifecycle.compress(END)
        store.lifecycle.archive(START + 4 * WEEK)
        assert [each.problem for each in store.lifecycle.verify() if each.problem] == []
        store.lifecycle.drop(START + 2 * WEEK)
    yield Patient(installed, folder)
    drop_store(dsn, installed.schema)


def test_a_healthy_store_has_no_findings(patient: Patient) -> None:
    found = patient.examined(deep=True)
    assert codes(found) - OF_THE_SERVER == set()
    # The machine of an embedded server tells nothing of itself.
    assert {each.title for each in found.unchecked} <= {
        "memory against the machine's",
        "the size of chunks against the machine's memory",
        "settings that no release of TimescaleDB knows",
    }
    assert not NATIVE_DSN or found.unchecked == []
    assert found.checks > 35


_ROLE = "CREATE ROLE doctor_other"
PLANTED = {
    "index-missing": ["DROP INDEX streams_key"],
    "index-invalid": [
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'chunks_range_end'::regclass"
    ],
    "index-added": ["CREATE INDEX own_index ON streams (time)"],
    "column-added": ["ALTER TABLE messages ADD COLUMN tenant text"],
    "column-missing": ["ALTER TABLE messages RENAME COLUMN type TO kind"],
    "clock-behind-messages": [
        "INSERT INTO messages (stream_name, position, time, type) "
        "VALUES ('early-1', 0, now() + INTERVAL '30 minutes', 'Opened')"
    ],
    "rebuild-unfinished": [
        "CREATE TRIGGER streams_while_restoring BEFORE INSERT ON streams FOR EACH ROW "
        "EXECUTE FUNCTION streams_while_restoring()"
    ],
    "trigger-added": [
        "CREATE FUNCTION own_trigger() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
        "CREATE TRIGGER own_trigger BEFORE UPDATE ON streams FOR EACH ROW "
        "EXECUTE FUNCTION own_trigger()",
    ],
    "trigger-missing": ["DROP TRIGGER chunks_after_state ON chunks"],
    "trigger-off": ["ALTER TABLE chunks DISABLE TRIGGER chunks_after_state"],
    "functions-replaced": [
        "CREATE OR REPLACE FUNCTION hash_64(value varchar) RETURNS bigint LANGUAGE sql IMMUTABLE "
        "AS 'SELECT 1::bigint'"
    ],
    "functions-of-another-release": [
        "CREATE OR REPLACE FUNCTION hash_64(value varchar) RETURNS bigint LANGUAGE sql IMMUTABLE "
        "AS 'SELECT 1::bigint'"
    ],
    "migration-missing": ["DELETE FROM migrations"],
    "migration-unknown": [
        "INSERT INTO migrations (name, checksum, software_version) VALUES ('0099_next', '', '9')"
    ],
    "publication": ["CREATE PUBLICATION own_publication FOR TABLE messages"],
    "rule-added": ["CREATE RULE own_rule AS ON DELETE TO streams DO INSTEAD NOTHING"],
    "row-security-on": ["ALTER TABLE streams ENABLE ROW LEVEL SECURITY"],
    "table-unlogged": ["ALTER TABLE recent_ids SET UNLOGGED"],
    "autovacuum-off": ["ALTER TABLE streams SET (autovacuum_enabled = off)"],
    "privilege-missing": ["REVOKE SELECT ON chunks FROM patient"],
    "privilege-too-much": [_ROLE, "GRANT DELETE ON streams TO doctor_other"],
    "schema-open": [_ROLE, "GRANT CREATE ON SCHEMA patient TO doctor_other"],
    "owners-differ": [_ROLE, "ALTER TABLE recent_ids OWNER TO doctor_other"],
    "timescaledb-functions-open": [
        "GRANT EXECUTE ON FUNCTION _timescaledb_functions.freeze_chunk(regclass) TO PUBLIC"
    ],
    "archive-server-broken": [
        "INSERT INTO archive_server (server_name, time_limit) VALUES ('nowhere', '1s')"
    ],
    "history-hidden": ["ALTER DATABASE {database} SET timescaledb.restoring = 'on'"],
    "triggers-bypassed": [_ROLE, "ALTER ROLE doctor_other SET session_replication_role = replica"],
    "read-only-by-default": ["ALTER DATABASE {database} SET default_transaction_read_only = on"],
    "commits-not-waited-for": ["ALTER DATABASE {database} SET synchronous_commit = off"],
    "job-off": [
        "SELECT public.alter_job(job_id, scheduled => false) FROM timescaledb_information.jobs "
        "WHERE proc_schema = 'patient'"
    ],
    "job-missing": [
        "SELECT public.delete_job(job_id) FROM timescaledb_information.jobs "
        "WHERE proc_schema = 'patient'"
    ],
    "retention-policy": ["SELECT public.add_retention_policy('messages', INTERVAL '100 years')"],
    "policy-beside": ["SELECT public.add_reorder_policy('messages', 'messages_stream')"],
    "store-not-whole": ["DELETE FROM archive_files"],
    "sequence-behind": ["SELECT setval('messages_global_position_seq', 5)"],
    "chunk-dropped-by-hand": [
        "SELECT public.drop_chunks('messages', older_than => '2025-02-14'::timestamptz, "
        "newer_than => '2025-02-05'::timestamptz)"
    ],
    "chunk-range-changed": [
        "UPDATE chunks SET chunk_name = 'patient.other' WHERE state = 'compressed'"
    ],
    "chunk-unknown": ["DELETE FROM chunks WHERE state = 'compressed'"],
    "history-gone": [
        "UPDATE chunks SET archive_object = NULL, archive_manifest = NULL WHERE state = 'dropped'"
    ],
    "chunks-not-closed": [
        "INSERT INTO messages (stream_name, position, time, type) "
        "VALUES ('late-1', 0, '2025-07-07', 'Opened')"
    ],
    "copy-unfinished": [
        "INSERT INTO copied (source, first_global_position, first_id, source_messages, "
        "step_messages, ids_since) VALUES ('old', 1, gen_random_uuid(), 1, 1, now())"
    ],
    "move-unfinished": ["INSERT INTO engine_move (to_engine) VALUES ('postgres')"],
    "database-copied": ["UPDATE incarnation SET database = 1"],
    "rebuild-due": ["UPDATE incarnation SET is_behind = true"],
    "proof-old": ["UPDATE chunks SET verified_at = now() - INTERVAL '1 year'"],
    "chunk-large": ["UPDATE chunks SET row_bytes = 1000000000000000 WHERE state = 'compressed'"],
    "no-archive": ["UPDATE store SET archive_url = NULL, drop_after = '1 year'"],
    "archive-file-missing": ["UPDATE archive_files SET bytes = bytes + 1"],
    "archive-manifest-missing": [
        "UPDATE chunks SET archive_manifest = archive_manifest || 'x' WHERE state = 'dropped'"
    ],
    "head-behind": ["UPDATE streams SET position = 0 WHERE stream_name = 'account-1'"],
    "head-missing": ["DELETE FROM streams WHERE stream_name = 'account-1'"],
    "head-ahead": ["UPDATE streams SET position = 99 WHERE stream_name = 'account-6'"],
}
EMBEDDED = {"index-missing", "column-added", "trigger-off", "sequence-behind", "head-behind"}


@pytest.mark.parametrize(
    "code",
    [pytest.param(code, marks=[] if code in EMBEDDED else pytest.mark.native) for code in PLANTED],
)
def test_what_was_planted_is_found(patient: Patient, code: str) -> None:
    with patient.connected() as connection:
        schema = sql.Identifier(patient.installed.schema)
        with connection.transaction(force_rollback=True):
            # Behind the store's back, as whoever does such things would.
            connection.execute("SET LOCAL client_min_messages = error")
            if code in ("head-behind", "head-missing", "head-ahead"):
                connection.execute("SET LOCAL session_replication_role = replica")
            connection.execute(sql.SQL("SET LOCAL search_path TO {}").format(schema))
            for statement in PLANTED[code]:
                database = sql.Identifier(connection.info.dbname)
                connection.execute(sql.SQL(statement).format(database=database))
            connection.execute("SET LOCAL search_path TO pg_catalog")
            found = examine(connection, patient.installed.schema, deep=code.startswith("head"))
    # What a sequence gave is not taken back with the transaction.
    patient.installed.run("SELECT lift_sequences()")
    of_code = [each for each in found.findings if each.code == code]
    assert of_code, codes(found)
    # Each says what, why and how, and nothing was left to fill in.
    for each in of_code:
        assert all((each.what, each.why, each.mend))
        assert not re.search(r"\{\w*\}|None", each.what + each.mend + (each.fix or ""))


def test_at_least_twenty_faults_are_planted() -> None:
    assert len(PLANTED) >= 40


@pytest.mark.native
def test_what_fix_may_run_mends_it(patient: Patient, cli: Cli) -> None:
    installed = patient.installed
    words = ["--dsn", installed.dsn, "--schema", installed.schema]
    installed.run("ALTER TABLE chunks DISABLE TRIGGER chunks_after_state")
    installed.run("DROP INDEX chunks_range_end")
    shown = cli("doctor", *words, "--fix", "--dry-run")
    assert "ENABLE TRIGGER chunks_after_state" in shown.out
    assert {"trigger-off", "index-missing"} <= codes(patient.examined())
    assert cli("doctor", *words, "--yes").status == 2
    ran = cli("doctor", *words, "--fix", "--yes", "--json")
    found = json.loads(ran.out)
    assert {each["code"] for each in found["fixed"]} == {"trigger-off", "index-missing"}
    assert [each["problem"] for each in found["fixed"]] == [None, None]
    assert {each["code"] for each in found["findings"]} <= OF_THE_SERVER


def test_the_exit_status_is_for_a_monitor(patient: Patient, cli: Cli) -> None:
    words = ["--dsn", patient.installed.dsn, "--schema", patient.installed.schema]
    ran = cli("doctor", *words, "--json")
    found = json.loads(ran.out)
    assert ran.status == (0 if found["is_healthy"] else 1)
    assert found["is_healthy"] == (not [f for f in found["findings"] if f["level"] == "error"])
    screen = cli("doctor", *words)
    assert screen.status == ran.status
    assert f"{found['checks']} checks" in screen.out
    with coldstream.connect(patient.installed.dsn, schema=patient.installed.schema) as store:
        assert codes(store.doctor()) <= OF_THE_SERVER


def test_no_store_is_said_so(patient: Patient, cli: Cli) -> None:
    ran = cli("doctor", "--dsn", patient.installed.dsn, "--schema", "nowhere")
    assert (ran.status, "No store in schema nowhere" in ran.err) == (1, True)
    with patient.connected() as connection, pytest.raises(NotInstalled):
        examine(connection, "nowhere")


@pytest.mark.native
def test_a_role_without_rights_is_told_what_was_not_looked_at(patient: Patient, cli: Cli) -> None:
    installed = patient.installed
    installed.run("DROP ROLE IF EXISTS doctor_guest")
    installed.run("CREATE ROLE doctor_guest LOGIN")
    try:
        ran = cli(
            "doctor",
            "--dsn",
            make_conninfo(installed.dsn, user="doctor_guest"),
            "--schema",
            installed.schema,
            "--deep",
        )
        assert "Traceback" not in ran.out + ran.err
        assert ran.out.count("not looked at: ") > 15
        assert "the role doctor_guest may not" in ran.out
        assert "checks" in ran.out
        # What it may look at, it has looked at.
        assert "[durability-off]" in ran.out or "durability" not in ran.out
    finally:
        installed.run("DROP ROLE doctor_guest")


@pytest.mark.native
def test_the_application_s_role_finds_most(patient: Patient) -> None:
    installed = patient.installed
    with direct_connection(
        make_conninfo(installed.dsn, user=installed.role), installed.schema
    ) as connection:
        found = examine(connection, installed.schema)
    assert codes(found) <= OF_THE_SERVER
    assert {each.title for each in found.unchecked} >= {
        "memory against the machine's",
        "functions that somebody replaced",
    }
    assert found.checks > 25


@pytest.mark.native
@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("s3://no-such-bucket-of-ours/archive", "archive-unreachable"),
        ("file:///nowhere-at-all", "archive-empty"),
        (None, "archive-empty"),
    ],
)
def test_an_archive_that_cannot_be_read(
    patient: Patient, tmp_path: Path, url: str | None, code: str
) -> None:
    options = {"endpoint": "http://127.0.0.1:1", "max_retries": "0", "retry_timeout": "1"}
    options |= {"access_key_id": "a", "secret_access_key": "b", "region": "r"}
    with patient.connected() as connection, connection.transaction(force_rollback=True):
        connection.execute(
            sql.SQL("UPDATE {}.chunks SET archive_url = %s").format(
                sql.Identifier(patient.installed.schema)
            ),
            [url or tmp_path.as_uri()],
        )
        found = examine(
            connection,
            patient.installed.schema,
            archive_options=options if (url or "").startswith("s3") else None,
        )
    assert code in codes(found)
    if code == "archive-unreachable":
        assert "the archive's files against the ledger" in {e.title for e in found.unchecked}


@pytest.mark.native
def test_what_lies_in_the_archive_and_should_not(patient: Patient) -> None:
    limits = Limits(orphan_age=timedelta(0))
    objects = sorted(patient.folder.rglob("messages-*"))
    orphan = objects[0].with_name(f"messages-{'0' * 64}.parquet")
    orphan.write_bytes(b"left")
    manifest = next(iter(sorted(patient.folder.rglob("_manifest-*"))))
    newer = manifest.with_name("_manifest-000009.json")
    newer.write_bytes(manifest.read_bytes())
    try:
        found = patient.examined(limits=limits)
    finally:
        orphan.unlink()
        newer.unlink()
    assert codes(found) - OF_THE_SERVER == {"archive-orphans", "archive-ahead"}
    hidden = objects[0].rename(objects[0].with_suffix(".hidden"))
    try:
        found = patient.examined()
    finally:
        hidden.rename(objects[0])
    assert codes(found) - OF_THE_SERVER == {"archive-file-missing"}
    elsewhere = patient.examined(archive="file:///elsewhere")
    assert "archive-elsewhere" in codes(elsewhere)


@pytest.mark.native
def test_sessions_in_the_way(patient: Patient) -> None:
    installed = patient.installed
    limits = Limits(
        old_transaction=timedelta(0),
        old_prepared=timedelta(0),
        waiting=timedelta(0),
        idle_holder=timedelta(0),
        kept_wal_bytes=-1,
    )
    holder = installed.connect()
    waiter = installed.connect()
    try:
        holder.execute("BEGIN")
        holder.execute("LOCK TABLE streams IN EXCLUSIVE MODE")
        holder.execute("SELECT pg_advisory_lock(1129271876, 'messages'::regclass::oid::integer)")
        waiter.execute("BEGIN")
        pid = holder.info.backend_pid
        waiter.pgconn.send_query(b"LOCK TABLE streams IN SHARE MODE")
        until = time.monotonic() + 30
        while not installed.run(
            "SELECT 1 FROM pg_stat_activity WHERE pid = %s AND wait_event_type = 'Lock'",
            [waiter.info.backend_pid],
        ):
            assert time.monotonic() < until, "nobody waits"
            time.sleep(0.02)
        installed.run("SELECT pg_create_physical_replication_slot('doctor_slot', true)")
        with installed.connect() as other:
            other.execute("BEGIN")
            other.execute("SELECT pg_advisory_xact_lock(1)")
            other.execute("PREPARE TRANSACTION 'doctor''s'")
            other.execute("ROLLBACK")
        found = patient.examined(limits=limits)
    finally:
        holder.close()
        waiter.close()
        with installed.connect() as other:
            other.execute("ROLLBACK PREPARED 'doctor''s'")
        installed.run("SELECT pg_drop_replication_slot('doctor_slot')")
    assert codes(found) >= {
        "transaction-old",
        "prepared-transaction",
        "lock-waits",
        "lifecycle-lock-held",
        "slot-inactive",
    }
    mends = {each.code: each.mend for each in found.findings}
    assert mends["prepared-transaction"].startswith("ROLLBACK PREPARED 'doctor''s'")
    assert (
        mends["lock-waits"] == mends["lifecycle-lock-held"] == f"SELECT pg_terminate_backend({pid})"
    )


@pytest.mark.native
def test_dead_rows_of_heads(patient: Patient, cli: Cli) -> None:
    installed = patient.installed
    installed.run(
        "ALTER TABLE recent_ids SET (autovacuum_enabled = off); "
        "INSERT INTO recent_ids SELECT i, gen_random_uuid() FROM generate_series(1, 2000) AS i; "
        "DELETE FROM recent_ids WHERE global_position <= 2000; "
        "ALTER TABLE recent_ids RESET (autovacuum_enabled); SELECT pg_stat_force_next_flush()"
    )
    limits = Limits(dead_rows=1000)
    for _ in range(100):
        found = patient.examined(limits=limits)
        if "table-bloated" in codes(found):
            break
        psycopg.connect(installed.dsn).close()
    [bloated] = [each for each in found.findings if each.code == "table-bloated"]
    assert bloated.fix is not None
    installed.run(bloated.fix)


def shifted(ahead: timedelta) -> datetime:
    return datetime.now(UTC) + ahead


@pytest.mark.native
def test_clocks_that_differ(patient: Patient) -> None:
    for ahead in (timedelta(hours=-1), timedelta(hours=1)):
        with patient.connected() as connection:
            asked = Asked(
                connection,
                patient.installed.schema,
                clock=partial(shifted, ahead),
            )
            asked.look_around()
            found = examined(asked)
        [skew] = [each for each in found.findings if each.code == "clock-skew"]
        assert ("ahead of" if ahead < timedelta(0) else "behind") in skew.what


@pytest.mark.native
def test_a_setting_that_no_release_knows(dsn: str, patient: Patient) -> None:
    # Where TimescaleDB is not loaded, the server takes any setting in its name.
    with psycopg.connect(make_conninfo(dsn, dbname="template1"), autocommit=True) as other:
        name = sql.Identifier(str(psycopg.conninfo.conninfo_to_dict(dsn)["dbname"]))
        setting = sql.SQL("timescaledb.compress_orderby_default")
        other.execute(sql.SQL("ALTER DATABASE {} SET {} = 'time DESC'").format(name, setting))
        try:
            found = patient.examined()
        finally:
            other.execute(sql.SQL("ALTER DATABASE {} RESET {}").format(name, setting))
    [unknown] = [each for each in found.findings if each.code == "unknown-setting"]
    assert "nor any other release" in unknown.what
    assert "RESET timescaledb.compress_orderby_default" in unknown.mend


@pytest.mark.native
def test_an_ordinary_table_is_looked_at_too(dsn: str) -> None:
    installed = install_store(dsn, "patient_table", Settings(engine="postgres"))
    try:
        insert(installed, history()[:5])
        with direct_connection(dsn, installed.schema) as connection:
            found = examine(connection, installed.schema, deep=True)
            assert codes(found) - OF_THE_SERVER == set()
            assert found.unchecked == []
            with connection.transaction(force_rollback=True):
                connection.execute("DROP INDEX patient_table.messages_stream")
                connection.execute("DELETE FROM patient_table.streams")
                found = examine(connection, installed.schema, deep=True)
        assert codes(found) - OF_THE_SERVER == {"index-missing", "head-missing"}
    finally:
        drop_store(dsn, installed.schema)


@pytest.mark.native
def test_settings_of_the_database_change_nothing(patient: Patient) -> None:
    installed = patient.installed
    settings = {
        "quote_all_identifiers": "on",
        "standard_conforming_strings": "off",
        "transform_null_equals": "on",
        "TimeZone": "Asia/Kathmandu",
        "DateStyle": "German",
        "IntervalStyle": "iso_8601",
        "extra_float_digits": "-15",
        "search_path": "planted,public",
    }
    with installed.connect() as other:
        other.execute("CREATE SCHEMA planted")
        other.execute(
            "CREATE FUNCTION planted.equals(name, text) RETURNS boolean LANGUAGE plpgsql "
            "AS 'BEGIN RAISE EXCEPTION ''planted''; END'"
        )
        other.execute(
            "CREATE OPERATOR planted.= (LEFTARG = name, RIGHTARG = text, FUNCTION = planted.equals)"
        )
    try:
        options = " ".join(f"-c {name}={value}" for name, value in settings.items())
        dsn = make_conninfo(installed.dsn, options=options)
        with direct_connection(dsn, installed.schema) as connection:
            found = examine(connection, installed.schema, deep=True)
    finally:
        installed.run("DROP SCHEMA planted CASCADE")
    assert codes(found) - OF_THE_SERVER == set()
    assert found.unchecked == []
