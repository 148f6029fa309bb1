"""What is set on an async store and on its lifecycle counts in the thread that works."""

from __future__ import annotations

import asyncio

import pytest
from tests.history import END
from tests.lifecycle.conftest import Store

import coldstream
from coldstream import ArchiveReads
from coldstream.lifecycle import AsyncLifecycle, Chunk, publish
from coldstream.store import Store as SyncStore


def test_progress_catalog_and_options_count(small: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[str] = []
    catalogs: list[tuple[str | None, float, ArchiveReads]] = []
    published = publish.Publication("messages", None, 0, 0, 0, (), (), ())

    def keep_in_step(store: SyncStore, catalog: str | None) -> publish.Publication:
        catalogs.append((catalog, store._connections.timeout, store._readers.reads))
        return published

    def progress(chunk: Chunk, step: str, done: int, total: int | None, /) -> None:
        steps.append(step)

    monkeypatch.setattr(publish, "keep_in_step", keep_in_step)
    reads = ArchiveReads(memory_bytes=1 << 28)

    async def all_of_it() -> None:
        async with coldstream.connect_async(
            small.installed.dsn,
            schema=small.installed.schema,
            archive=small.archive,
            archive_reads=reads,
            timeout=7.5,
        ) as store:
            lifecycle = AsyncLifecycle(store, progress=progress, iceberg="elsewhere")
            planned = await lifecycle.archive(END, dry_run=True)
            assert len(await lifecycle.archive(END, planned=planned)) == 2
            assert {"seal", "rows"} <= set(steps)
            results = await lifecycle.verify()
            assert [each.problem for each in results] == [None, None]
            assert results.publication is published
            assert (await lifecycle.run(dry_run=True)).publication is None

    asyncio.run(all_of_it())
    assert catalogs == [("elsewhere", 7.5, reads)]
