"""Finds what is in a file twice, in bounded memory: keys go to a temporary file, in parts."""

from __future__ import annotations

from contextlib import ExitStack
from types import TracebackType
from typing import Self

from coldstream.archive.storage.spool import spool_file

_PARTS = 64
_NUMBER = 6
_BUFFER = 66_000


class Seen:
    """Keys of one length, each with a number; :meth:`twice` gives the first that came again.

    Memory is that of a 64th of the keys, about 100 MB for 50 million; the temporary file has
    6 bytes more than a key for each. So the first or the last byte of a key has to be one that is
    as often this as that.
    """

    def __init__(self, key: int = 16) -> None:
        self._key = key
        self._record = key + _NUMBER
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
        part = (key[0] ^ key[-1]) & (_PARTS - 1)
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
        size, step = self._key, self._record
        for part in range(_PARTS):
            blocks = self._data(part)
            keys = [data[at : at + size] for data in blocks for at in range(0, len(data), step)]
            # Nearly always, and numbers are not looked at then.
            if len(set(keys)) == len(keys):
                continue
            numbers = (
                int.from_bytes(data[at + size : at + step], "big")
                for data in blocks
                for at in range(0, len(data), step)
            )
            first: dict[bytes, int] = {}
            for key, number in zip(keys, numbers, strict=True):
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
