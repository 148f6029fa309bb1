"""The Iceberg table follows the ledger: what is proved is in it once, whatever happened before."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from proof.s3_server import TABLES, S3Server
from psycopg.conninfo import make_conninfo
from tests.fix_cli import Cli
from tests.history import FILE_ROWS, START, WEEK
from tests.lifecycle.conftest import Store

import coldstream
import coldstream.lifecycle
from coldstream import PublicationError
from coldstream.archive.engines.iceberg import IcebergTable, TableMoved, catalog_properties
from coldstream.lifecycle import Lifecycle
from coldstream.lifecycle.publish import Publication

Names = list[tuple[str, int]]


@pytest.fixture
def catalog(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'catalog.db'}"


def opened(catalog: str) -> Any:
    with warnings.catch_warnings():
        # Of the library and what it imports: not ours to mend.
        warnings.simplefilter("ignore")
        from pyiceberg.catalog import load_catalog

        return load_catalog("coldstream", **catalog_properties(catalog))


def names(store: Store, catalog: str) -> Names:
    """The messages in the table, as pyiceberg reads them."""
    loaded = opened(catalog)
    try:
        table = loaded.load_table(f"{store.installed.schema}.messages").scan().to_arrow()
    finally:
        loaded.engine.dispose()
    return sorted(
        (row["stream_name"], row["position"])
        for row in table.select(["stream_name", "position"]).to_pylist()
    )


def truth(store: Store, weeks: int) -> Names:
    end = START + weeks * WEEK
    return sorted((m.stream_name, m.position) for m in store.truth if m.time < end)


def archived(opened: coldstream.Store, weeks: int, **options: Any) -> None:
    opened.lifecycle.archive(START + weeks * WEEK, **options)


def proved(opened: coldstream.Store) -> Publication:
    results = opened.lifecycle.verify()
    assert [each.problem for each in results if each.problem] == []
    publication = results.publication
    assert publication is not None
    assert publication.problem is None
    assert publication.messages == publication.expected_messages
    return publication


def test_an_url_that_its_readers_do_not_know_is_refused(store: Store, catalog: str) -> None:
    with store.opened() as opened:
        opened.archive = "az://container/prefix"
        opened.lifecycle = Lifecycle(opened, iceberg=catalog)
        with pytest.raises(PublicationError, match="az:") as caught:
            opened.lifecycle.publish()
        assert "abfss://" in (caught.value.hint or "")


def test_it_follows_the_lifecycle(store: Store, catalog: str) -> None:
    with store.opened() as opened:
        opened.lifecycle = Lifecycle(opened, iceberg=catalog)
        archived(opened, 2)
        assert len(proved(opened).added) == 2
        assert names(store, catalog) == truth(store, 2)

        archived(opened, 3)
        # Exported, and not proved: not in the table, and not missing in it either.
        assert opened.lifecycle.publish(dry_run=True).added == ()
        assert len(proved(opened).added) == 1

        opened.lifecycle.drop(START + 2 * WEEK)
        opened.lifecycle.rehydrate(START, START + WEEK)
        again = opened.lifecycle.publish()
        assert (again.added, again.removed, again.files) == ((), (), 3)
        assert names(store, catalog) == truth(store, 3)


def test_every_file_of_a_chunk_is_in_it(store: Store, catalog: str) -> None:
    files = "SELECT count(*) FROM archive_files"
    with store.opened() as opened:
        opened.lifecycle = Lifecycle(opened, iceberg=catalog)
        archived(opened, 2, file_rows=FILE_ROWS)
        publication = proved(opened)
    assert [(len(publication.added),)] == store.run(files) == [(10,)]
    assert names(store, catalog) == truth(store, 2)
    with store.opened() as opened:
        opened.lifecycle = Lifecycle(opened, iceberg=catalog)
        archived(opened, 2, again=True)
        publication = proved(opened)
        assert (len(publication.added), len(publication.removed)) == (2, 10)
    assert names(store, catalog) == truth(store, 2)


def test_a_range_that_is_exported_again_is_never_there_twice_nor_missing(
    store: Store, catalog: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with store.opened() as opened:
        opened.lifecycle = Lifecycle(opened, iceberg=catalog)
        archived(opened, 2)
        first = proved(opened)
        # Another version of the software writes other bytes.
        monkeypatch.setattr("coldstream.archive.manifest.manifest.__version__", "x")
        monkeypatch.setattr("coldstream.archive.format.row_groups.ROW_GROUP_ROWS", 3)
        monkeypatch.setattr("coldstream.archive.format.parquet.ROW_GROUP_ROWS", 3)
        archived(opened, 1, again=True)
        waiting = opened.lifecycle.publish()
        assert (waiting.added, waiting.removed) == ((), ())
        assert names(store, catalog) == truth(store, 2)
        second = proved(opened)
        assert len(second.added) == len(second.removed) == 1
        assert set(second.removed) < set(first.added)
        assert names(store, catalog) == truth(store, 2)


def test_a_run_brings_it_into_step_and_makes_up_for_earlier_ones(
    store: Store, catalog: str
) -> None:
    with store.opened() as opened:
        archived(opened, 2)
        assert opened.lifecycle.verify().publication is None
        opened.lifecycle = Lifecycle(opened, iceberg=catalog)
        nothing_due = coldstream.lifecycle.Policy(None, None, None)
        assert opened.lifecycle.run(nothing_due, dry_run=True).publication is None
        steps = opened.lifecycle.run(nothing_due)
        assert steps == []
        assert steps.publication is not None
        assert len(steps.publication.added) == 2


def test_a_failure_stops_nothing_and_is_made_up_for(
    store: Store, catalog: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with store.opened() as opened:
        opened.lifecycle = Lifecycle(
            opened, iceberg="postgresql+psycopg://nobody@127.0.0.1:1/nothing"
        )
        archived(opened, 2)
        results = opened.lifecycle.verify()
        assert [each.problem for each in results] == [None, None]
        publication = results.publication
        assert publication is not None
        assert isinstance(publication.problem, coldstream.PublicationError)
        assert "\n" not in str(publication.problem)
        assert [drop.reason for drop in opened.lifecycle.drop(START + 2 * WEEK)] == [None, None]

        opened.lifecycle = Lifecycle(opened, iceberg=catalog)
        apply = IcebergTable.apply

        def killed(table: IcebergTable, *words: Any) -> None:
            monkeypatch.undo()
            # All but the catalog's own step: files of metadata that no table names.
            raise TableMoved("moved")

        monkeypatch.setattr(IcebergTable, "apply", killed)
        assert len(opened.lifecycle.publish().added) == 2
        assert IcebergTable.apply is apply
        assert names(store, catalog) == truth(store, 2)


def test_metadata_that_is_lost_is_made_anew(store: Store, catalog: str) -> None:
    with store.opened() as opened:
        opened.lifecycle = Lifecycle(opened, iceberg=catalog)
        archived(opened, 2)
        location = proved(opened).metadata_location
        assert location is not None
        Path(location.removeprefix("file://")).unlink()
        with pytest.raises(coldstream.PublicationError) as error:
            opened.lifecycle.publish()
        assert "--anew" in (error.value.hint or "")
        assert len(opened.lifecycle.publish(anew=True).added) == 2
        assert names(store, catalog) == truth(store, 2)


def test_csv_is_not_publishable_and_said_to_be(store: Store, catalog: str) -> None:
    with store.opened() as opened:
        opened.lifecycle = Lifecycle(opened, iceberg=catalog)
        archived(opened, 1, format="csv")
        archived(opened, 2)
        publication = proved(opened)
        assert len(publication.added) == 1
        (csv,) = publication.not_publishable
        assert csv.endswith(".csv")


def test_the_table_of_another_store_is_left_alone(
    small: Store, catalog: str, tmp_path: Path
) -> None:
    with small.opened() as opened:
        opened.lifecycle = Lifecycle(opened, iceberg=catalog)
        archived(opened, 1)
        proved(opened)
        small.run("UPDATE store SET id = gen_random_uuid()")
        with pytest.raises(coldstream.PublicationError, match="another store"):
            opened.lifecycle.publish()
    assert names(small, catalog) == truth(small, 1)


def test_without_an_archive_there_is_nothing_to_publish(small: Store, catalog: str) -> None:
    with small.opened(archive=None) as opened:
        opened.lifecycle = Lifecycle(opened, iceberg=catalog)
        with pytest.raises(coldstream.PublicationError, match="Nothing is archived"):
            opened.lifecycle.publish()
        opened.lifecycle = Lifecycle(opened, iceberg="no_such_name")
    with small.opened() as opened:
        opened.lifecycle = Lifecycle(opened, iceberg="no_such_name")
        with pytest.raises(coldstream.PublicationError, match="no_such_name"):
            opened.lifecycle.publish()


def test_the_catalog_in_the_stores_own_database_and_the_command(
    small: Store, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["--dsn", small.installed.dsn, "--schema", small.installed.schema]
    words += ["--archive", small.archive]
    try:
        monkeypatch.setenv("COLDSTREAM_ICEBERG", "database")
        assert cli("archive", "--older-than", "2025-01-09", *words).status == 0
        assert cli("verify", *words).status == 0
        assert cli("iceberg", "status", *words).status == 0
        monkeypatch.delenv("COLDSTREAM_ICEBERG")
        assert cli("archive", "--older-than", "2025-01-16", *words).status == 0
        assert cli("verify", *words).status == 0
        behind = cli("iceberg", "status", "--json", *words)
        assert behind.status == 1
        assert len(json.loads(behind.out)["added"]) == 1
        assert cli("iceberg", "publish", "--dry-run", *words).status == 0
        assert cli("iceberg", "status", *words).status == 1
        published = cli("iceberg", "publish", *words)
        assert published.status == 0, published.err
        status = cli("iceberg", "status", "--json", *words)
        assert status.json["messages"] == status.json["expected_messages"] == len(truth(small, 2))
        assert cli("iceberg", "status", "--anew", *words).status == 2
        tables = small.run("SELECT table_namespace, table_name FROM public.iceberg_tables")
        # Another store of the database may be published there too.
        assert (small.installed.schema, "messages") in tables
        with small.opened(max_size=1) as opened:
            opened.lifecycle = Lifecycle(opened, iceberg="database")
            assert opened.lifecycle.publish().files == 2
    finally:
        small.run("DROP TABLE IF EXISTS public.iceberg_tables, public.iceberg_namespace_properties")


@pytest.mark.native
def test_that_catalog_is_in_public_and_a_failure_leaves_no_session(small: Store) -> None:
    """Wherever the path of the database leads: by pg_temp each session had tables of its own."""
    dsn = make_conninfo(small.installed.dsn, options="-csearch_path=pg_temp")
    ours = (
        "SELECT pid FROM pg_stat_activity "
        "WHERE datname = current_database() AND backend_type = 'client backend'"
    )
    before = set(small.run(ours))
    try:
        with coldstream.connect(
            dsn, schema=small.installed.schema, archive=small.archive, max_size=1
        ) as opened:
            opened.lifecycle.archive(small.truth[-1].time)
            opened.lifecycle.verify()
            opened.lifecycle = Lifecycle(opened, iceberg="database")
            assert opened.lifecycle.publish().files > 0
            small.run("ALTER TABLE public.iceberg_tables RENAME TO hidden")
            small.run("CREATE VIEW public.iceberg_tables AS SELECT 1 / 0 AS nothing")
            with pytest.raises(coldstream.PublicationError) as caught:
                opened.lifecycle.publish()
            # Also while somebody holds the error, and by it all that was going on.
            assert len(set(small.run(ours)) - before) == 1, caught.value
    finally:
        small.run("DROP VIEW IF EXISTS public.iceberg_tables")
        small.run("DROP TABLE IF EXISTS public.hidden, public.iceberg_namespace_properties")
        small.run("DROP TABLE IF EXISTS public.iceberg_tables")


@pytest.fixture
def readable(store: Store, catalog: str) -> Iterator[tuple[Store, Any]]:
    """Four weeks of the history, published; and the table as pyiceberg has it."""
    with store.opened() as connection:
        connection.lifecycle = Lifecycle(connection, iceberg=catalog)
        archived(connection, 4)
        proved(connection)
    loaded = opened(catalog)
    yield store, loaded.load_table(f"{store.installed.schema}.messages")
    loaded.engine.dispose()


def rows(store: Store) -> list[tuple[Any, ...]]:
    end = START + 4 * WEEK
    columns = "global_position position time stream_name type data_text metadata_text id category"
    return sorted(
        tuple(getattr(m, column) for column in columns.split()) for m in store.truth if m.time < end
    )


def by_pyiceberg(table: Any) -> tuple[list[dict[str, Any]], int]:
    scan = table.scan(row_filter="category == 'account'")
    return table.scan().to_arrow().to_pylist(), scan.count()


def by_duckdb(table: Any) -> tuple[list[dict[str, Any]], int]:
    import duckdb
    import duckdb_extension_avro
    import duckdb_extension_iceberg

    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    for extension in (duckdb_extension_avro, duckdb_extension_iceberg):
        (file,) = Path(next(iter(extension.__path__))).rglob("*.duckdb_extension")
        connection.load_extension(str(file))
    source = f"iceberg_scan('{table.metadata_location}')"
    found = connection.execute(f"SELECT * FROM {source}").to_arrow_table().to_pylist()
    count = connection.execute(f"SELECT count(*) FROM {source} WHERE category = 'account'")
    (number,) = count.fetchone() or (None,)
    return found, int(number or 0)


def by_polars(table: Any) -> tuple[list[dict[str, Any]], int]:
    import polars as pl

    frame = pl.scan_iceberg(table)
    count = frame.filter(pl.col("category") == "account").select(pl.len()).collect().item()
    return frame.collect().to_dicts(), count


@pytest.mark.filterwarnings("ignore:Iceberg scan planning")
@pytest.mark.parametrize("read", [by_pyiceberg, by_duckdb, by_polars], ids=lambda f: f.__name__)
def test_readers_see_every_column_as_it_was_written(
    readable: tuple[Store, Any], read: Callable[[Any], tuple[list[dict[str, Any]], int]]
) -> None:
    from uuid import UUID

    store, table = readable

    def id_of(value: Any) -> UUID:
        return UUID(bytes=value) if isinstance(value, bytes) else UUID(str(value))

    found, count = read(table)
    assert sorted((*list(r.values())[:7], id_of(r["id"]), r["category"]) for r in found) == rows(
        store
    )
    assert count == len([row for row in rows(store) if row[8] == "account"])


def test_a_filter_leaves_out_whole_files(readable: tuple[Store, Any]) -> None:
    _, table = readable
    assert len(list(table.scan().plan_files())) == 4
    late = f"time >= '{(START + 3 * WEEK).isoformat()}'"
    assert len(list(table.scan(row_filter=late).plan_files())) == 1
    assert table.spec().is_unpartitioned()


# The library's own, about how it gets the token of a REST catalog.
@pytest.mark.filterwarnings("ignore:Deprecated in 0.8.0")
@pytest.mark.parametrize("kind", ["sql", "rest"])
def test_it_works_on_s3(
    small: Store, catalog: str, s3: S3Server, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = s3.url(f"iceberg-{kind}")
    metadata = f"{archive}/{small.installed.schema}/_iceberg/"
    if kind == "rest":
        catalog = s3.iceberg
        metadata = f"s3://{TABLES}/"
        key = f"{s3.access_key_id}:{s3.secret_access_key}"
        monkeypatch.setenv("PYICEBERG_CATALOG__COLDSTREAM__CREDENTIAL", key)
        monkeypatch.setenv("PYICEBERG_CATALOG__COLDSTREAM__WAREHOUSE", f"s3://{TABLES}/")
        # The library has read its environment when it was imported.
        from pyiceberg.utils.config import Config

        monkeypatch.setattr("pyiceberg.catalog._ENV_CONFIG", Config())
    with small.opened(archive=archive, archive_options=s3.options) as opened_store:
        opened_store.lifecycle = Lifecycle(opened_store, iceberg=catalog)
        archived(opened_store, 2)
        publication = proved(opened_store)
        assert publication.metadata_location is not None
        assert publication.metadata_location.startswith(metadata)
        assert all(url.startswith(archive) for url in publication.added)
        again = opened_store.lifecycle.publish()
        assert (again.files, again.messages, again.added) == (2, len(truth(small, 2)), ())
