"""A query over the archive that somebody else wrote reads the archive, and does nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest
from tests.archive_files import export_rows
from tests.archive_rows import END, START, batches, make_rows
from tests.fix_cli import Cli
from tests.fix_s3 import S3Server

import coldstream
from coldstream.archive.engines.filesystem import ArchiveFiles
from coldstream.archive.engines.query import check
from coldstream.archive.manifest.commit import commit_manifest
from coldstream.archive.manifest.manifest import Manifest
from coldstream.archive.storage.location import ArchiveLocation
from coldstream.errors import ColdstreamError, InvalidInput

ROWS = make_rows(300)


def archived(url: str, options: dict[str, str] | None = None) -> tuple[ArchiveLocation, Manifest]:
    location = ArchiveLocation.open(url, options)
    manifest = export_rows(
        location,
        batches(ROWS),
        schema="message_store",
        chunk_name="chunk",
        range_start=START,
        range_end=END,
    )
    commit_manifest(location, manifest)
    return location, manifest


# {file}: a local file; {archived}: an archived one; {own}: how a query may name it; {new}: nothing.
REFUSED = [
    "SELECT * FROM read_text('{file}')",
    "SELECT * FROM read_blob('{file}')",
    "SELECT * FROM read_csv('{file}')",
    "SELECT * FROM read_json('{file}')",
    "SELECT * FROM '{file}'",
    "SELECT * FROM sniff_csv('{file}')",
    "SELECT * FROM glob('{file}*')",
    "SELECT * FROM read_text('file://{file}')",
    "SELECT * FROM read_parquet('{archived}')",
    "SELECT * FROM parquet_metadata('{archived}')",
    "SELECT * FROM read_text('https://example.org/')",
    "SELECT * FROM read_text('coldstream://../{file}')",
    "COPY (SELECT 1) TO '{new}'",
    "COPY (SELECT 1) TO '{archived}'",
    "COPY (SELECT 1) TO '{own}'",
    "COPY (SELECT 1) TO '{own}' (USE_TMP_FILE false)",
    "EXPLAIN ANALYZE COPY (SELECT 1) TO '{new}'",
    "ATTACH '{new}' AS other",
    "ATTACH '{file}' AS other",
    "EXPORT DATABASE '{new}'",
    "IMPORT DATABASE '{new}'",
    "INSTALL httpfs",
    "LOAD httpfs",
    "LOAD '{file}'",
    "SET enable_external_access = true",
    "RESET enable_external_access",
    "SET allowed_directories = ['/']",
    "SET temp_directory = '{new}'",
    "SET profiling_output = '{new}'",
    "SET memory_limit = '100GB'",
    "CREATE PERSISTENT SECRET s (TYPE s3, KEY_ID 'a', SECRET 'b')",
    "SELECT * FROM a_table_of_the_process",
    "CALL enable_logging(storage = 'file', storage_path = '{new}')",
    "SELECT * FROM system.main.\"Enable_Logging\" /* a /* b */ c */ (storage = 'file')",
    "CALL enable_profiling(save_location = '{new}.txt')",
    "SELECT * FROM query('SELECT * FROM enable_' || 'logging()')",
    "CREATE MACRO m(a) AS TABLE SELECT * FROM query(a)",
    "SELECT 'ü'; SELECT * FROM query -- \n ('SELECT 1')",
]


@pytest.mark.parametrize("sql", REFUSED)
def test_what_a_query_may_not(sql: str, tmp_path: Path) -> None:
    a_table_of_the_process = pa.table({"secret": [1]})
    location, manifest = archived(str(tmp_path / "archive"))
    file, new = tmp_path / "secret.csv", tmp_path / "new"
    file.write_text("a,b\n1,2\n")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    sql = sql.format(
        file=file,
        new=new,
        archived=location.local_path(manifest.keys[0]),
        own=ArchiveFiles.url_of(manifest.files[0]),
    )
    with pytest.raises(InvalidInput) as caught:
        coldstream.query(sql, location.url)
    assert "\n" not in str(caught.value)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
    assert a_table_of_the_process.num_rows == 1


@pytest.mark.parametrize("place", ["folder", "memory", "s3"])
def test_what_a_query_may(place: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    options = None
    url = {"folder": str(tmp_path / "archive"), "memory": "memory://access"}.get(place)
    if url is None:
        server: S3Server = request.getfixturevalue("s3")
        url, options = server.url("access"), server.options
    location, _ = archived(url, options)
    for sql, rows in {
        "SELECT count(*) FROM messages": 1,
        "SELECT * FROM archived_ranges": 1,
        "SELECT 'query (' AS query": 1,
        # Nothing is there but what the manifests name.
        "SELECT * FROM read_text('coldstream://message_store/nothing')": 0,
        "CREATE TABLE mine AS FROM messages; SELECT * FROM mine": len(ROWS),
        # More than fits: the temporary folder is its own.
        "SELECT a FROM (SELECT random() AS a FROM range(3000000)) ORDER BY a": 3_000_000,
    }.items():
        found = coldstream.query(sql, location.url, archive_options=options, memory_limit="200MB")
        assert found.num_rows == rows, sql


def test_what_is_allowed_on_demand(tmp_path: Path, cli: Cli) -> None:
    location, _ = archived(str(tmp_path / "archive"))
    file = tmp_path / "names.csv"
    file.write_text("name\naccount\n")
    sql = f"SELECT count(*) AS n FROM '{file}'"
    assert coldstream.query(sql, location.url, allow_external_access=True)["n"].to_pylist() == [1]
    refused = cli("query", sql, "--archive", location.url)
    assert refused.status == 2
    assert "--allow-external-access" in refused.err
    words = ["--archive", location.url, "--json", "--allow-external-access"]
    assert cli("query", sql, *words).json == [{"n": 1}]


def test_a_process_survives_what_is_refused(tmp_path: Path) -> None:
    """DuckDB ends the process when it cannot write a log that a query asked for."""
    location, _ = archived(str(tmp_path / "archive"))
    program = """
import sys, coldstream
log = "CALL enable_logging(storage = 'file', storage_path = '/nowhere')"
try:
    coldstream.query(log, sys.argv[1])
except coldstream.InvalidInput:
    print(coldstream.query("SELECT 1", sys.argv[1]).num_rows)
"""
    done = subprocess.run(
        [sys.executable, "-c", program, location.url],
        stdout=subprocess.PIPE,
        env=os.environ,
        text=True,
    )
    assert (done.returncode, done.stdout) == (0, "1\n")


def test_names_that_only_look_like_it() -> None:
    check("SELECT query FROM a")
    check("SELECT 'query('")
    check("-- query(\nSELECT 1")
    check("SELECT myquery(1)")
    with pytest.raises(ColdstreamError, match=r"query\(\) is not allowed"):
        check("SELECT 1 FROM query(('SELECT 1'))")
