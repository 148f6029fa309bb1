"""The lifecycle of an async store: every verb of :class:`Lifecycle`, awaited."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from coldstream.client.concurrency import in_thread
from coldstream.lifecycle import (
    Chunk,
    Drop,
    Lifecycle,
    OlderThan,
    Policy,
    Progress,
    Step,
    Transition,
)
from coldstream.lifecycle.published import Published
from coldstream.lifecycle.session import no_progress, on_no_range

if TYPE_CHECKING:
    from coldstream.archive.storage.location import ObjectInfo
    from coldstream.client._async import AsyncClient
    from coldstream.lifecycle.adopt import Adopted, Forked
    from coldstream.lifecycle.publish import Publication
    from coldstream.lifecycle.rebuild import OnRange, Rebuilt
    from coldstream.lifecycle.repair import Repaired
    from coldstream.lifecycle.verify import Verification
    from coldstream.settings import Format

T = TypeVar("T")


class AsyncLifecycle:
    """:class:`coldstream.lifecycle.Lifecycle`, awaited: the same arguments, results and errors.

    Each call runs in a thread with a connection of its own, and calls ``progress`` and ``on_range``
    in that thread. Where the server takes one connection only, the store gives its own up for that
    time.
    """

    def __init__(
        self,
        store: AsyncClient,
        *,
        progress: Progress = no_progress,
        iceberg: str | None = None,
    ) -> None:
        self._store = store
        self._progress = progress
        self._iceberg = iceberg

    async def get_chunks(self) -> list[Chunk]:
        return await self._call(lambda lifecycle: lifecycle.get_chunks())

    async def get_bookkeeping(self) -> dict[str, int]:
        return await self._call(lambda lifecycle: lifecycle.get_bookkeeping())

    async def get_replaced_functions(self) -> str | None:
        return await self._call(lambda lifecycle: lifecycle.get_replaced_functions())

    async def compress(
        self,
        older_than: OlderThan,
        *,
        dry_run: bool = False,
        planned: Iterable[Chunk] | None = None,
    ) -> list[Chunk]:
        return await self._call(
            lambda lifecycle: lifecycle.compress(older_than, dry_run=dry_run, planned=planned)
        )

    async def archive(
        self,
        older_than: OlderThan,
        *,
        format: Format = "parquet",
        again: bool = False,
        spool_dir: Path | None = None,
        file_rows: int | None = None,
        dry_run: bool = False,
        planned: Iterable[Chunk] | None = None,
    ) -> list[Chunk]:
        return await self._call(
            lambda lifecycle: lifecycle.archive(
                older_than,
                format=format,
                again=again,
                spool_dir=spool_dir,
                file_rows=file_rows,
                dry_run=dry_run,
                planned=planned,
            )
        )

    async def verify(
        self,
        *,
        again: bool = False,
        deep: bool = False,
        sample: int | float | None = None,
        start: datetime | None = None,
        end: datetime | None = None,
        dry_run: bool = False,
        planned: Iterable[Verification] | None = None,
    ) -> Published[Verification]:
        return await self._call(
            lambda lifecycle: lifecycle.verify(
                again=again,
                deep=deep,
                sample=sample,
                start=start,
                end=end,
                dry_run=dry_run,
                planned=planned,
            )
        )

    async def drop(
        self,
        older_than: OlderThan,
        *,
        kept: bool = False,
        dry_run: bool = False,
        planned: Iterable[Drop] | None = None,
    ) -> list[Drop]:
        return await self._call(
            lambda lifecycle: lifecycle.drop(
                older_than, kept=kept, dry_run=dry_run, planned=planned
            )
        )

    async def rehydrate(
        self,
        start: datetime,
        end: datetime,
        *,
        streams: str | Sequence[str] | None = None,
        keep_for: timedelta | None = None,
        dry_run: bool = False,
        planned: Iterable[Chunk] | None = None,
    ) -> list[Chunk]:
        return await self._call(
            lambda lifecycle: lifecycle.rehydrate(
                start, end, streams=streams, keep_for=keep_for, dry_run=dry_run, planned=planned
            )
        )

    async def get_policy(self) -> Policy:
        return await self._call(lambda lifecycle: lifecycle.get_policy())

    async def set_policy(self, policy: Policy) -> list[str]:
        return await self._call(lambda lifecycle: lifecycle.set_policy(policy))

    async def get_transitions(self, limit: int = 100) -> list[Transition]:
        return await self._call(lambda lifecycle: lifecycle.get_transitions(limit))

    async def run(
        self,
        policy: Policy | None = None,
        *,
        format: Format = "parquet",
        spool_dir: Path | None = None,
        file_rows: int | None = None,
        wait: timedelta = timedelta(0),
        dry_run: bool = False,
        planned: Iterable[Step] | None = None,
    ) -> Published[Step]:
        return await self._call(
            lambda lifecycle: lifecycle.run(
                policy,
                format=format,
                spool_dir=spool_dir,
                file_rows=file_rows,
                wait=wait,
                dry_run=dry_run,
                planned=planned,
            )
        )

    async def publish(self, *, dry_run: bool = False, anew: bool = False) -> Publication:
        return await self._call(lambda lifecycle: lifecycle.publish(dry_run=dry_run, anew=anew))

    async def rebuild(
        self,
        *,
        dry_run: bool = False,
        accept_failed: bool = False,
        planned: Iterable[Rebuilt] | None = None,
        on_range: OnRange = on_no_range,
    ) -> list[Rebuilt]:
        return await self._call(
            lambda lifecycle: lifecycle.rebuild(
                dry_run=dry_run, accept_failed=accept_failed, planned=planned, on_range=on_range
            )
        )

    async def clean(
        self,
        older_than: timedelta = timedelta(days=1),
        *,
        dry_run: bool = False,
        planned: Iterable[ObjectInfo] | None = None,
    ) -> list[ObjectInfo]:
        return await self._call(
            lambda lifecycle: lifecycle.clean(older_than, dry_run=dry_run, planned=planned)
        )

    async def repair(
        self, *, dry_run: bool = False, planned: Iterable[Repaired] | None = None
    ) -> list[Repaired]:
        return await self._call(
            lambda lifecycle: lifecycle.repair(dry_run=dry_run, planned=planned)
        )

    async def get_archive(self) -> str | None:
        return await self._call(lambda lifecycle: lifecycle.get_archive())

    async def adopt(self, *, dry_run: bool = False, planned: Adopted | None = None) -> Adopted:
        return await self._call(lambda lifecycle: lifecycle.adopt(dry_run=dry_run, planned=planned))

    async def fork(self, *, dry_run: bool = False, planned: Forked | None = None) -> Forked:
        return await self._call(lambda lifecycle: lifecycle.fork(dry_run=dry_run, planned=planned))

    async def _call(self, call: Callable[[Lifecycle], T]) -> T:
        from coldstream.client._async.statements import connections_of
        from coldstream.client._sync import Client

        connections = connections_of(self._store)
        connections.check_open()
        if self._store.max_size == 1:
            # The next call of the store connects again.
            await connections.release()

        def run() -> T:
            with Client(**self._store._options, max_size=1) as store:
                return call(Lifecycle(store, progress=self._progress, iceberg=self._iceberg))

        return await in_thread(run)
