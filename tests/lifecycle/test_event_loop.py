"""Reads of the archive never hold up an event loop: the store answers only once the loop has gone
on meanwhile."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress

import pytest
from tests.history import START, WEEK
from tests.lifecycle.conftest import Store

import coldstream
from coldstream import ArchiveReads, AsyncStore, Message
from coldstream.archive.storage.location import ArchiveLocation

TICKS = 5


class Loop:
    """Counts the turns of an event loop, and makes the archive wait for some of them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.turns = self.requests = self.stalls = 0
        self._turned = threading.Condition()
        get_range = ArchiveLocation.get_range

        def slow(location: ArchiveLocation, key: str, start: int, length: int) -> bytes:
            with self._turned:
                self.requests += 1
                wanted = self.turns + TICKS
                if not self._turned.wait_for(lambda: self.turns >= wanted, 10):
                    self.stalls += 1
            return get_range(location, key, start, length)

        monkeypatch.setattr(ArchiveLocation, "get_range", slow)

    async def turn(self) -> None:
        while True:
            with self._turned:
                self.turns += 1
                self._turned.notify_all()
            await asyncio.sleep(0)


async def read_everything(store: AsyncStore) -> list[list[Message]]:
    stream = [m async for m in store.get_stream_messages("account-1")]
    category = [m async for m in store.get_category_messages("account")]
    everything = [m async for m in store.get_all_messages()]
    last = await store.get_last_stream_message("account-2")
    assert last is not None
    return [stream, category, everything, [last]]


def test_the_loop_goes_on_while_the_archive_is_read(
    small: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    with small.opened() as opened:
        opened.lifecycle.archive(START + 2 * WEEK)
        opened.lifecycle.verify()
        opened.lifecycle.drop(START + 2 * WEEK)
    loop = Loop(monkeypatch)

    async def main() -> list[list[list[Message]]]:
        turning = asyncio.create_task(loop.turn())
        installed = small.installed
        try:
            # One request at a time: reads wait for each other too, and nothing is remembered.
            reads = ArchiveReads(requests=1, memory_bytes=0)
            async with coldstream.connect_async(
                installed.dsn, schema=installed.schema, archive_reads=reads
            ) as store:
                return await asyncio.gather(*(read_everything(store) for _ in range(3)))
        finally:
            turning.cancel()
            with suppress(asyncio.CancelledError):
                await turning

    found = asyncio.run(main())
    assert loop.stalls == 0
    assert loop.requests > 3 * 4
    truth = small.truth
    stream, category, everything, last = found[0]
    assert found == [found[0]] * 3
    assert stream == sorted(
        (m for m in truth if m.stream_name == "account-1"), key=lambda m: m.position
    )
    assert category == [m for m in truth if m.category == "account"]
    assert everything == truth
    assert last[0].stream_name == "account-2"
