"""A compressed chunk carries the filters that reads use, and no others: each costs bytes."""

from __future__ import annotations

from datetime import UTC, datetime

from tests.lifecycle.conftest import Store

OLD = datetime(2025, 12, 1, tzinfo=UTC)


def test_ids_and_names_have_a_bloom_filter(small: Store) -> None:
    with small.opened() as opened:
        opened.lifecycle.compress(OLD)
    filters = small.run(
        """
        SELECT DISTINCT a.attname
        FROM chunks AS c
        JOIN _timescaledb_catalog.compression_settings AS s ON s.relid = c.chunk_name::regclass
        JOIN pg_attribute AS a ON a.attrelid = s.compress_relid
        WHERE a.attname LIKE '%bloom%' OR a.attname LIKE '%global_position%' AND a.attnum > 0
        ORDER BY 1
        """
    )
    names = [name.removeprefix("_ts_meta_v2_") for (name,) in filters]
    blooms = [name for name in names if "bloom" in name]
    # The one over two columns where the release of TimescaleDB knows such.
    assert [name[-3:] for name in blooms if not name.endswith("_stream_category")] == ["_id"]
    assert len(blooms) <= 2
    assert {"min_global_position", "max_global_position"} <= set(names)
