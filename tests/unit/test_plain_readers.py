"""Software that knows nothing of Coldstream reads the archive's folders as they lie there.

Spark is tried by ``make test-spark``, because it needs Java and a large environment of its own.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from tests.archive_files import export_rows
from tests.archive_rows import END, START, batches, make_rows

from coldstream.archive.engines.iceberg import ArchivedRange, Catalogued, IcebergTable
from coldstream.archive.format.rows import COLUMNS, Row
from coldstream.archive.manifest.commit import commit_manifest
from coldstream.archive.manifest.layout import ICEBERG, safe_part
from coldstream.archive.storage.location import ArchiveLocation

WEEK = END - START
ROWS = make_rows(600)
# As a user may call a schema, with what other software would read into a folder's name.
SCHEMA = "_mine.of=2026"


def week(number: int) -> list[Row]:
    return [(row[0] + number * 600, row[1], row[2] + number * WEEK, *row[3:]) for row in ROWS]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store's folder with two ranges, one of them archived twice, and an Iceberg table."""
    root = tmp_path_factory.mktemp("plain")
    location = ArchiveLocation.open(str(root / "archive"))
    ranges = []
    for number in (0, 1, 1):
        start = START + number * WEEK
        manifest = export_rows(
            location,
            batches(week(number)),
            schema=SCHEMA,
            chunk_name="_hyper_1_1_chunk",
            range_start=start,
            range_end=start + timedelta(days=7),
        )
        commit_manifest(location, manifest)
        url = location.url_of(manifest.keys[0])
        ranges.append(ArchivedRange(url.rpartition("/")[0], url, manifest.rows))
    catalog = {"type": "sql", "uri": f"sqlite:///{root / 'catalog.db'}"}
    place = location.url_of(f"{safe_part(SCHEMA)}/{ICEBERG}")
    table = IcebergTable(Catalogued(catalog, "mine", place, "one"))
    table.load()
    table.apply(table.difference(ranges))
    table.close()
    return root / "archive" / safe_part(SCHEMA)


def test_what_is_not_data_is_hidden_and_what_is_data_is_not(store: Path) -> None:
    root = store.parent
    files = [path for path in root.rglob("*") if path.is_file()]
    data = [path for path in files if path.suffix == ".parquet"]
    assert len(data) == 2
    assert len(files) > len(data) + 4  # manifests and the table's metadata
    for path in files:
        parts = path.relative_to(root).parts
        hidden = [part for part in parts if part.startswith(("_", "."))]
        assert bool(hidden) == (path not in data), path
        assert not [part for part in parts if "=" in part], path


EXPECTED = sorted(
    ((*row[:7], str(row[7]), row[8]) for row in (*ROWS, *week(1))), key=lambda row: row[0]
)


def by_pyarrow_dataset(store: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = ds.dataset(store, format="parquet").to_table().to_pylist()
    return found


def by_pyarrow_table(store: Path) -> list[dict[str, Any]]:
    """As pandas reads it."""
    found: list[dict[str, Any]] = pq.read_table(store).to_pylist()
    return found


def by_polars(store: Path) -> list[dict[str, Any]]:
    frame = pl.scan_parquet(store / "**/*.parquet").collect()
    return frame.to_dicts()


def by_duckdb(store: Path) -> list[dict[str, Any]]:
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        relation = connection.read_parquet(str(store / "*" / "*.parquet"))
        found: list[dict[str, Any]] = relation.to_arrow_table().to_pylist()
    return found


@pytest.mark.parametrize(
    "read",
    [by_pyarrow_dataset, by_pyarrow_table, by_polars, by_duckdb],
    ids=lambda function: function.__name__,
)
def test_readers_of_a_whole_store_see_its_messages_and_nothing_else(store: Path, read: Any) -> None:
    found = read(store)
    assert {tuple(row) for row in found} == {COLUMNS}
    assert sorted((tuple(row.values()) for row in found), key=lambda row: row[0]) == EXPECTED
