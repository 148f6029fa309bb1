"""The files of one range, read as if they were one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from functools import cached_property
from typing import Any, Protocol

import pyarrow as pa

from coldstream.archive.read.ordering import RowSource


class FileInOrder(Protocol):
    """Where a file's global positions are."""

    @property
    def first_global_position(self) -> int | None: ...
    @property
    def last_global_position(self) -> int | None: ...


class FilesInOrder:
    """Rows of several files in file order, which is the archive's order over all of them.

    Their global positions lie beside one another (a range is cut by stream names), so they are
    brought in order together; a merge of as many files would change from one to another at almost
    every message. Each is opened when it is needed, and closed again, so that their number costs no
    memory; or with ``keep``, for what is fetched whole to be opened, closed with this.
    """

    def __init__(
        self,
        files: Sequence[Any],
        open_file: Callable[[Any], AbstractContextManager[RowSource]],
        *,
        keep: bool,
    ) -> None:
        self._files: Sequence[FileInOrder] = files
        self._open = open_file
        self._keep = keep
        self._kept: dict[int, RowSource] = {}
        self._stack = ExitStack()

    def close(self) -> None:
        self._stack.close()

    @cached_property
    def row_bytes(self) -> int:
        """About how many bytes a row takes in memory, in the file where they are largest."""
        largest = 0
        for number in range(len(self._files)):
            with self._source(number) as source:
                largest = max(largest, source.row_bytes)
        return largest

    def batches(
        self,
        *,
        columns: Iterable[str] | None = None,
        category: str | None = None,
        first: int | None = None,
        last: int | None = None,
        keep: bool = False,
    ) -> Iterator[pa.RecordBatch]:
        """As those of one file; files that cannot have such positions are left out."""
        names = None if columns is None else list(columns)
        for number, file in enumerate(self._files):
            low, high = file.first_global_position, file.last_global_position
            if low is None or high is None:
                continue
            if (last is None or low <= last) and (first is None or high >= first):
                with self._source(number) as source:
                    yield from source.batches(
                        columns=names, category=category, first=first, last=last, keep=keep
                    )

    def _source(self, number: int) -> AbstractContextManager[RowSource]:
        if not self._keep:
            return self._open(self._files[number])
        if number not in self._kept:
            self._kept[number] = self._stack.enter_context(self._open(self._files[number]))
        return nullcontext(self._kept[number])
