"""Finds what is in a file twice, in bounded memory: keys go to a temporary file, in parts."""

from __future__ import annotations

from contextlib import ExitStack
from types import TracebackType
from typing import Self

from coldstream.archive.storage.spool import spool_file

_PARTS = 64
_KEY, _NUMBER = 16, 6
_RECORD = _KEY + _NUMBER
_BUFFER = 3_000 * _RECORD


class Seen:
    """Keys of 16 bytes, each with a number; :meth:`twice` gives the first that came again.

    Memory is that of a 64th of the keys, about 100 MB for 50 million; the temporary file has
    22 bytes for each.
    """

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._parts = [bytearray() for _ in range(_PARTS)]
        # Where in the file the blocks of each part are.
        self._blocks: list[list[tuple[int, int]]] = [[] for _ in range(_PARTS)]

    def __enter__(self) -> Self:
        self._file = self._stack.enter_context(spool_file())
        self._end = 0
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stack.close()

    def add(self, key: bytes, number: int) -> None:
        # The last byte is a random one in every kind of UUID.
        part = key[-1] & (_PARTS - 1)
        buffer = self._parts[part]
        buffer += key
        buffer += number.to_bytes(_NUMBER, "big")
        if len(buffer) >= _BUFFER:
            self._blocks[part].append((self._end, len(buffer)))
            self._end += self._file.write(buffer)
            buffer.clear()

    def twice(self) -> tuple[int, int] | None:
        """The numbers of the first two that have one key; the second is the least there is."""
        found: tuple[int, int] | None = None
        for part in range(_PARTS):
            first: dict[bytes, int] = {}
            for data in self._data(part):
                for at in range(0, len(data), _RECORD):
                    key = data[at : at + _KEY]
                    number = int.from_bytes(data[at + _KEY : at + _RECORD], "big")
                    before = first.setdefault(key, number)
                    if before != number and (found is None or number < found[1]):
                        found = before, number
        return found

    def _data(self, part: int) -> list[bytes]:
        data = []
        for start, length in self._blocks[part]:
            self._file.seek(start)
            data.append(self._file.read(length))
        self._file.seek(self._end)
        return [*data, bytes(self._parts[part])]
