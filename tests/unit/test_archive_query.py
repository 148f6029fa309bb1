"""SQL over the archive: what counts, of what types, and at what cost; and how it fails."""

from __future__ import annotations

import builtins
import io
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import obstore
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.archive_files import export_rows
from tests.archive_rows import END, START, batches, make_rows, with_file
from tests.fix_cli import Cli
from tests.fix_s3 import S3Server

import coldstream
from coldstream.archive.engines import query
from coldstream.archive.format.rows import COLUMNS, SCHEMA, Row
from coldstream.archive.manifest.commit import KnownManifest, commit_manifest
from coldstream.archive.manifest.inventory import inventory
from coldstream.archive.manifest.manifest import Manifest
from coldstream.archive.storage.location import ArchiveLocation
from coldstream.errors import ArchiveCorrupt
from coldstream.settings import Format

WEEK = END - START
ROWS = make_rows(2_000)


def shifted(rows: list[Row], weeks: int) -> list[Row]:
    return [(row[0] + weeks * len(rows), row[1], row[2] + weeks * WEEK, *row[3:]) for row in rows]


def export(
    location: ArchiveLocation, rows: list[Row], week: int = 0, format: Format = "parquet"
) -> Manifest:
    return export_rows(
        location,
        batches(rows),
        schema="message_store",
        chunk_name="chunk",
        range_start=START + week * WEEK,
        range_end=START + (week + 1) * WEEK,
        format=format,
    )


@pytest.fixture
def location(tmp_path: Path) -> ArchiveLocation:
    """A folder whose name is a pattern to DuckDB."""
    return ArchiveLocation.open(str(tmp_path / "a[1]*?"))


def answer(location: ArchiveLocation, sql: str, **options: Any) -> list[tuple[Any, ...]]:
    table = coldstream.query(sql, location.url, **options)
    return [tuple(row.values()) for row in table.to_pylist()]


@pytest.mark.parametrize("file_rows", [None, 300])
@pytest.mark.parametrize("place", ["folder", "memory", "s3"])
def test_every_message_of_both_formats_once(
    place: str,
    file_rows: int | None,
    location: ArchiveLocation,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if file_rows:
        monkeypatch.setattr("tests.archive_files.FILE_ROWS", int(file_rows))
    options = None
    if place == "s3":
        server: S3Server = request.getfixturevalue("s3")
        options = server.options
        location = ArchiveLocation.open(server.url(f"query-{file_rows}"), options)
    elif place == "memory":
        location = ArchiveLocation.open(f"memory://query-{file_rows}")
    rows = [*ROWS, *shifted(ROWS, 1), *shifted(ROWS, 2)]
    formats: tuple[Format, ...] = ("parquet", "csv", "parquet")
    for week, format in enumerate(formats):
        commit_manifest(location, export(location, shifted(ROWS, week), week, format))
    # Never read: an object without a manifest, and one whose manifest was followed by another.
    export(location, shifted(ROWS[:10], 5), 5)
    before = export(location, shifted(ROWS, 3), 3)
    known = [KnownManifest(commit_manifest(location, before), before.digest)]
    commit_manifest(location, export(location, shifted(ROWS, 3)[:1], 3), known=known)
    rows += shifted(ROWS, 3)[:1]
    found = answer(
        location, "SELECT * FROM messages ORDER BY global_position", archive_options=options
    )
    expected = sorted(rows)
    assert len(found) == len(expected)
    assert [(*row[:7], str(row[7]), row[8]) for row in expected] == found
    ranges = "SELECT messages, format, bytes > 0, objects FROM archived_ranges ORDER BY range_start"
    ranges_found = answer(location, ranges, archive_options=options)
    assert [row[:3] for row in ranges_found] == [
        (2_000, "parquet", True),
        (2_000, "csv", True),
        (2_000, "parquet", True),
        (1, "parquet", True),
    ]
    objects = [url for row in ranges_found for url in row[3]]
    assert all(url.startswith(f"{location.url}/message_store/") for url in objects)
    assert len(set(objects)) == len(objects)
    assert len(objects) == 4 if file_rows is None else len(objects) > 20


def test_types_are_those_of_the_file_also_without_messages(location: ArchiveLocation) -> None:
    empty = answer(location, "DESCRIBE messages")
    commit_manifest(location, export(location, ROWS))
    one = answer(location, "DESCRIBE messages")
    commit_manifest(location, export(location, shifted(ROWS, 1), 1, "csv"))
    both = answer(location, "DESCRIBE messages")
    for described in (empty, one, both):
        assert [row[0] for row in described] == list(COLUMNS)
        assert {row[0]: row[1] for row in described} == {
            "global_position": "BIGINT",
            "position": "BIGINT",
            "time": "TIMESTAMP WITH TIME ZONE",
            "stream_name": "VARCHAR",
            "type": "VARCHAR",
            "data": "JSON",
            "metadata": "JSON",
            "id": "UUID",
            "category": "VARCHAR",
        }
    assert SCHEMA.names == list(COLUMNS)


def test_a_predicate_reads_the_row_groups_that_may_hold_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    location = ArchiveLocation.open("memory://pruned")
    rows = make_rows(30_000)
    manifest = export(location, rows)
    commit_manifest(location, manifest)
    read: list[int] = []
    get_range = location.get_range

    def counted(key: str, start: int, length: int) -> bytes:
        read.append(length)
        return get_range(key, start, length)

    monkeypatch.setattr(location, "get_range", counted)

    def cost(connection: Any, where: str) -> tuple[int, int]:
        read.clear()
        rows = connection.execute(f"SELECT * FROM messages WHERE {where}").to_arrow_table()
        return rows.num_rows, sum(read)

    with query.opened(location, "message_store") as connection:
        name = rows[15_000][3]
        all_rows, all_bytes = cost(connection, "true")
        assert all_rows == 30_000
        one, one_bytes = cost(connection, f"stream_name = '{name}'")
        assert one == len([row for row in rows if row[3] == name])
        assert 0 < one_bytes < all_bytes * 0.6
        # A name inside the range of a row group that its bloom filter knows not to be there.
        assert cost(connection, f"stream_name = '{name}x'") == (0, pytest.approx(0, abs=8_192))
        # Statistics: a range of time in which there is nothing.
        assert cost(connection, f"time > TIMESTAMPTZ '{END.isoformat()}'") == (0, 0)


def test_it_spills_and_keeps_to_its_limit(location: ArchiveLocation) -> None:
    commit_manifest(location, export(location, ROWS))
    sort = "SELECT * FROM messages, range(60) ORDER BY md5(id::text || range::text)"
    count = answer(location, f"SELECT count(*) FROM ({sort} LIMIT 200000)", memory_limit="60MB")
    assert count == [(120_000,)]
    with pytest.raises(coldstream.ArchiveError, match="more memory") as error:
        answer(location, "SELECT list(data) FROM messages, range(1000)", memory_limit="40MB")
    assert "--memory-limit" in (error.value.hint or "")
    with pytest.raises(coldstream.InvalidInput):
        answer(location, "SELECT 1", memory_limit="much")


@pytest.mark.parametrize(
    ("sql", "message", "hint"),
    [
        ("selec", "syntax error", "global_position"),
        ("SELECT foo FROM messages", 'column "foo" not found', "Candidate"),
        ("SELECT * FROM message", "message does not exist", 'Did you mean "messages'),
        ("SELECT stream_name::int FROM messages", "Could not convert", "DuckDB"),
        ("SELECT error('x')", "x", "DuckDB"),
    ],
)
def test_bad_sql_is_one_line_and_a_hint(
    location: ArchiveLocation, sql: str, message: str, hint: str
) -> None:
    commit_manifest(location, export(location, ROWS))
    with pytest.raises(coldstream.InvalidInput, match=message) as error:
        answer(location, sql)
    assert "\n" not in str(error.value)
    assert hint in (error.value.hint or "")
    assert "\n" not in (error.value.hint or "")


def test_an_object_that_is_gone_or_damaged_is_no_shorter_answer() -> None:
    location = ArchiveLocation.open("memory://damaged")
    manifest = export(location, ROWS)
    commit_manifest(location, manifest)
    data = bytearray(location.get(manifest.files[0].key))
    data[1_000:20_000] = b"\7" * 19_000
    obstore.put(location._store, manifest.files[0].key, bytes(data))
    with pytest.raises(coldstream.ArchiveCorrupt):
        answer(location, "SELECT * FROM messages")
    obstore.put(location._store, manifest.files[0].key, bytes(data[:-100]))
    with pytest.raises(coldstream.ArchiveCorrupt):
        answer(location, "SELECT * FROM messages")
    location.delete(manifest.files[0].key)
    with pytest.raises(coldstream.ArchiveUnavailable):
        answer(location, "SELECT * FROM messages")


def test_a_manifest_of_another_range_is_refused(location: ArchiveLocation) -> None:
    manifest = export(location, ROWS)
    key = commit_manifest(location, manifest)
    data = location.get(key)
    schema, _, name = key.split("/")
    location.create(f"{schema}/20010101T000000Z_20010108T000000Z/{name}", data)
    with pytest.raises(coldstream.ArchiveCorrupt, match="another range"):
        answer(location, "SELECT 1")


def test_without_duckdb_it_says_what_to_install(
    location: ArchiveLocation, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = builtins.__import__

    def without(name: str, *words: Any, **options: Any) -> Any:
        if name.partition(".")[0] == "duckdb":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return real(name, *words, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(coldstream.SetupError, match="needs DuckDB") as error:
        answer(location, "SELECT 1")
    assert error.value.hint == "pip install 'coldstream[query]'"


Command = Callable[..., Any]


@pytest.fixture
def command(cli: Cli, location: ArchiveLocation) -> Command:
    commit_manifest(location, export(location, ROWS))
    return lambda *words, **options: cli("query", *words, "--archive", location.url, **options)


def test_the_command_prints_a_table(command: Command) -> None:
    ran = command("SELECT category, count(*) AS n FROM messages GROUP BY 1 ORDER BY 2 DESC, 1")
    assert ran.status == 0, ran.err
    lines = ran.out.splitlines()
    assert lines[0] == "Result"
    assert lines[1].split() == ["category", "n"]
    assert len(lines) == 3 + len({row[8] for row in ROWS})
    ran = command("-", stdin="SELECT * FROM messages")
    assert len(ran.out.splitlines()) == 3 + 1_000
    assert "first 1,000 rows" in ran.err
    assert "SEQ_SCAN" in command("EXPLAIN SELECT * FROM archived_ranges").out


def test_the_command_prints_json_as_it_was_archived(command: Command) -> None:
    ran = command("SELECT * FROM messages ORDER BY global_position", "--json")
    texts = {row[0]: row[5] for row in ROWS}
    for line in ran.out.split("\n")[1:-2]:
        position = json.loads(line.rstrip(","))["global_position"]
        assert f'"data": {texts[position] or "null"}, "metadata"' in line
    assert len(json.loads(ran.out)) == len(ROWS)
    assert command("SELECT 1 WHERE false", "--json").json == []
    values = command(
        "SELECT sum(170141183460469231731687303715884105727::hugeint // 2) AS h, "
        "1.10::decimal(9, 2) AS d, [1, NULL] AS l, {'a': 'nan'::double} AS s, "
        "'a'::blob AS b, NULL AS n, "
        "DATE '2025-01-02' AS day",
        "--json",
    )
    assert '"h": 85070591730234615865843651857942052863, "d": 1.10' in values.out
    (row,) = values.json
    assert row["l"] == [1, None]
    assert row["s"] == {"a": None}
    assert (row["b"], row["n"], row["day"]) == ("\\x61", None, "2025-01-02")


def test_the_command_prints_csv(command: Command) -> None:
    sql = "SELECT NULL AS a, '' AS b, 'x,\"y\"' AS c, TIMESTAMPTZ '2025-01-02 03:04:05Z' AS t, true"
    assert command(sql, "--csv").out == (
        'a,b,c,t,CAST(\'t\' AS BOOLEAN)\n,"","x,""y""",2025-01-02T03:04:05+00:00,true\n'
    )
    assert command("SELECT NULL AS a", "--csv").out == "a\n\n"
    rows = command("SELECT * FROM messages", "--csv").out
    assert rows.startswith(",".join(COLUMNS) + "\n")


def test_the_command_says_what_is_wrong(command: Command) -> None:
    assert command("SELECT 1", "--csv", "--json").status == 2
    assert command(" ").status == 2
    ran = command("SELECT foo FROM messages")
    assert (ran.status, ran.out) == (2, "")
    assert len(ran.err.splitlines()) == 2


def test_results_come_as_they_are_read(location: ArchiveLocation) -> None:
    """Only a batch is in memory: a result that is larger than the limit is no error."""
    commit_manifest(location, export(location, ROWS))
    with query.opened(location, "message_store", memory_limit="60MB") as connection:
        reader = connection.execute("SELECT repeat('x', 1000) FROM range(300000)").to_arrow_reader(
            1_000
        )
        assert sum(batch.num_rows for batch in reader) == 300_000


def test_ranges_are_times(location: ArchiveLocation) -> None:
    commit_manifest(location, export(location, ROWS))
    ((start, length),) = answer(
        location, "SELECT range_start, range_end - range_start FROM archived_ranges"
    )
    assert (start, length) == (START, (0, 7, 0)) or (start, length) == (START, timedelta(days=7))


@pytest.mark.parametrize("place", ["env=prod", "year=2026/type=csv", "category=x"])
def test_the_words_of_a_path_are_no_columns(place: str, tmp_path: Path) -> None:
    location = ArchiveLocation.open(str(tmp_path / place))
    commit_manifest(location, export(location, ROWS))
    commit_manifest(location, export(location, shifted(ROWS, 1), 1, "csv"))
    for allowed in (False, True):
        found = answer(location, "SELECT * FROM messages", allow_external_access=allowed)
        assert {row[8] for row in found} == {row[8] for row in ROWS}
        assert {len(row) for row in found} == {len(COLUMNS)}
        assert len(found) == 2 * len(ROWS)


def replaced(location: ArchiveLocation, table: pa.Table) -> str:
    """An archive whose only file is other Parquet, and whose manifest says nothing else of it."""
    file = io.BytesIO()
    pq.write_table(table, file)
    data = file.getvalue()
    manifest = export(location, ROWS[: table.num_rows])
    hash = sha256(data).hexdigest()
    key = f"{manifest.keys[0].rpartition('/')[0]}/messages-{hash}.parquet"
    footer = data[-int.from_bytes(data[-8:-4], "little") - 8 :]
    described = {"key": key, "bytes": len(data), "sha256": hash, "footer_bytes": len(footer)}
    described |= {"footer_sha256": sha256(footer).hexdigest()}
    commit_manifest(location, with_file(manifest, **described))
    location.create(key, data)
    return key


@pytest.mark.parametrize(
    "table",
    [
        pa.table({"a": [1]}),
        pa.table({name: ["x"] for name in COLUMNS}),
        pa.table({name: ["x"] for name in (*COLUMNS, "more")}),
    ],
    ids=["a", "texts", "more"],
)
def test_a_file_of_other_columns(location: ArchiveLocation, table: pa.Table) -> None:
    key = replaced(location, table)
    with pytest.raises(ArchiveCorrupt, match="has not the columns of an archive file") as caught:
        answer(location, "SELECT count(*) FROM messages")
    assert key in str(caught.value)
    assert caught.value.hint


def test_one_damaged_manifest_is_one_error(location: ArchiveLocation) -> None:
    """An answer without its messages would be a shorter one."""
    commit_manifest(location, export(location, ROWS))
    key = commit_manifest(location, export(location, shifted(ROWS, 1), 1))
    for hostile in (b"[" * 200_000, b'{"rows": 1' + b"0" * 30 + b"}", b""):
        path = location.local_path(key)
        assert path is not None
        path.write_bytes(hostile)
        with pytest.raises(ArchiveCorrupt, match=r"_manifest-000001\.json"):
            answer(location, "SELECT count(*) FROM messages")
        found = inventory(location, "message_store")
        assert [manifest.rows for _, manifest in found.manifests] == [len(ROWS)]
        assert list(found.damaged) == [key]


@pytest.mark.parametrize("place", ["folder", "memory"])
@pytest.mark.parametrize("allowed", [False, True])
def test_a_csv_file_that_lost_its_end(place: str, allowed: bool, location: ArchiveLocation) -> None:
    """It ends with a whole line: nothing in it says that there were more."""
    if place == "memory":
        location = ArchiveLocation.open(f"memory://shorter-{allowed}")
    manifest = export(location, ROWS, 0, "csv")
    commit_manifest(location, manifest)
    data = location.get(manifest.keys[0])
    obstore.put(location._store, manifest.keys[0], b"\n".join(data.split(b"\n")[:-100]) + b"\n")
    with pytest.raises(ArchiveCorrupt, match=r"has \d+ bytes, not|is shorter than"):
        answer(location, "SELECT * FROM messages", allow_external_access=allowed)


@pytest.mark.parametrize("place", ["folder", "memory"])
def test_rows_are_what_the_manifest_says(place: str, location: ArchiveLocation) -> None:
    if place == "memory":
        location = ArchiveLocation.open("memory://fewer")
    manifest = export(location, ROWS)
    for change, message in (
        ({"rows": 1_999, "digest": manifest.digest.replace(":2000:", ":1999:")}, "has 2000 rows"),
        ({"footer_sha256": "0" * 64}, "has another footer"),
    ):
        other = with_file(manifest, **change)
        if "rows" in change:
            first, *more = manifest.categories
            first = replace(first, messages=first.messages - 1)
            other = replace(other, categories=(first, *more), **change)
        known = [
            KnownManifest(f"{k}", m.digest)
            for k, m in inventory(location, "message_store").manifests
        ]
        commit_manifest(location, other, known=known)
        with pytest.raises(ArchiveCorrupt, match=message):
            answer(location, "SELECT count(*) FROM messages")
