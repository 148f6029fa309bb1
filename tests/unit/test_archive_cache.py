"""What is kept of the archive, in memory and in a folder: bounded, proved, and never needed."""

from __future__ import annotations

import multiprocessing
import os
import threading
from hashlib import sha256
from pathlib import Path

import pytest
from tests.archive_files import export_rows, read_category
from tests.archive_rows import END, START, batches, make_rows, with_file

from coldstream.archive.manifest.manifest import Manifest
from coldstream.archive.read.reader import ArchiveReader
from coldstream.archive.storage.block_cache import BlockCache
from coldstream.archive.storage.location import ArchiveLocation
from coldstream.archive.storage.memory import MemoryCache

OBJECT = sha256(b"object").hexdigest()
LIMIT = 64_000


class Value:
    def __init__(self, nbytes: int) -> None:
        self.nbytes = nbytes


@pytest.fixture
def cache(tmp_path: Path) -> BlockCache:
    return BlockCache(tmp_path / "cache", LIMIT)


def files(cache: BlockCache) -> list[Path]:
    return [path for path in cache.folder.rglob("*") if path.is_file()]


def size_of(cache: BlockCache) -> int:
    return sum(path.stat().st_size for path in files(cache))


def test_memory_forgets_what_was_used_longest_ago() -> None:
    memory = MemoryCache(100)
    for name in "abc":
        memory.put(name, Value(30))
    assert memory.get("a")
    memory.put("d", Value(30))
    assert [name for name in "abcd" if memory.get(name)] == ["a", "c", "d"]
    assert memory.nbytes == 90
    memory.put("a", Value(40))
    assert memory.nbytes == 100
    memory.put("large", Value(101))
    assert memory.get("large") is None
    assert memory.nbytes == 100


def test_a_range_is_given_back_to_another_process(cache: BlockCache) -> None:
    cache.put(OBJECT, 5, b"bytes")
    again = BlockCache(cache.folder, LIMIT)
    assert again.get(OBJECT, 5, 5) == b"bytes"
    assert again.get(OBJECT, 5, 4) is None
    assert again.get(OBJECT, 4, 5) is None
    assert again.get(sha256(b"other").hexdigest(), 5, 5) is None


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[:-1] + bytes([content[-1] ^ 1]),
        lambda content: bytes([content[0] ^ 1]) + content[1:],
        lambda content: content[:-1],
        lambda content: content + b"x",
        lambda content: b"",
        lambda content: bytes(len(content)),
    ],
)
def test_a_damaged_file_is_not_there_and_goes(cache: BlockCache, damage: object) -> None:
    cache.put(OBJECT, 0, b"bytes")
    (path,) = files(cache)
    path.write_bytes(damage(path.read_bytes()))  # type: ignore[operator]
    assert cache.get(OBJECT, 0, 5) is None
    assert files(cache) == []


def test_a_file_in_the_place_of_another_is_not_there(cache: BlockCache) -> None:
    cache.put(OBJECT, 0, b"first")
    (path,) = files(cache)
    path.replace(path.with_name(path.name.replace("-0-", "-5-")))
    assert cache.get(OBJECT, 5, 5) is None


def test_the_folder_is_bounded_and_keeps_what_is_used(cache: BlockCache) -> None:
    cache.put(OBJECT, 0, bytes(1_000))
    (used,) = files(cache)
    for number in range(1, 200):
        os.utime(used, (1, 1))  # older than all: only its use can save it
        assert cache.get(OBJECT, 0, 1_000) is not None
        cache.put(OBJECT, number * 1_000, bytes(1_000))
        assert size_of(cache) <= LIMIT
    assert size_of(cache) > LIMIT * 3 // 4


def test_a_range_that_is_larger_than_all_leaves_it_bounded(cache: BlockCache) -> None:
    for number in range(3):
        cache.put(OBJECT, number, bytes(LIMIT - 100))
    assert size_of(cache) <= LIMIT


def _write(folder: Path, seed: int) -> None:
    cache = BlockCache(folder, LIMIT)
    for number in range(150):
        start = (number * 7 + seed) % 90 * 1_000
        data = bytes([start // 1_000]) * 1_000
        found = cache.get(OBJECT, start, 1_000)
        assert found in (None, data)
        cache.put(OBJECT, start, data)


def test_processes_share_it(cache: BlockCache) -> None:
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_write, args=(cache.folder, n)) for n in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0, 0]
    assert 0 < size_of(cache) <= LIMIT + 2 * LIMIT // 16
    assert not [path for path in files(cache) if path.suffix == ".partial"]


def test_what_a_killed_process_left_goes(cache: BlockCache) -> None:
    cache.put(OBJECT, 0, b"bytes")
    left = files(cache)[0].with_name("left.partial")
    fresh = left.with_name("fresh.partial")
    for path in (left, fresh):
        path.write_bytes(b"half")
    os.utime(left, (1, 1))
    BlockCache(cache.folder, LIMIT).put(OBJECT, 9, b"more")
    assert not left.exists()
    assert fresh.exists()


def test_a_folder_that_cannot_be_used_costs_nothing_but_time(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "file"
    file.write_text("not a folder")
    cache = BlockCache(file, LIMIT)
    cache.put(OBJECT, 0, b"bytes")
    assert cache.get(OBJECT, 0, 5) is None
    assert "cannot be used" in caplog.text


def test_others_cannot_read_it(cache: BlockCache) -> None:
    cache.put(OBJECT, 0, b"bytes")
    assert cache.folder.stat().st_mode & 0o077 == 0
    assert files(cache)[0].stat().st_mode & 0o077 == 0


class Counted(ArchiveLocation):
    requests = 0

    def get_range(self, key: str, start: int, length: int) -> bytes:
        self.requests += 1
        return super().get_range(key, start, length)


ALL = make_rows(6_000)
NAME = ALL[3_000][3]


@pytest.fixture
def location() -> Counted:
    return Counted.open("memory://")  # type: ignore[return-value]


@pytest.fixture
def manifest(location: Counted) -> Manifest:
    return export_rows(
        location, batches(ALL), schema="s", chunk_name="c", range_start=START, range_end=END
    )


def expected(name: str) -> list[int]:
    return [row[0] for row in ALL if row[3] == name]


def read(reader: ArchiveReader, manifest: Manifest, name: str = NAME) -> list[int]:
    return [m.global_position for m in reader.read_stream([manifest], name)]


def test_a_reader_after_another_asks_for_nothing(
    location: Counted, manifest: Manifest, tmp_path: Path
) -> None:
    cache = BlockCache(tmp_path, 10_000_000)
    assert read(ArchiveReader(location, cache=cache), manifest) == expected(NAME)
    asked = location.requests
    assert asked
    assert read(ArchiveReader(location, cache=cache), manifest) == expected(NAME)
    assert location.requests == asked


def test_a_damaged_cache_is_never_an_answer(
    location: Counted, manifest: Manifest, tmp_path: Path
) -> None:
    cache = BlockCache(tmp_path, 10_000_000)
    read(ArchiveReader(location, cache=cache), manifest)
    kept = files(cache)
    assert kept
    for path in kept:
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
    asked = location.requests
    assert read(ArchiveReader(location, cache=cache), manifest) == expected(NAME)
    assert location.requests > asked


def test_an_object_of_other_bytes_is_not_answered_from_the_cache(
    location: Counted, manifest: Manifest, tmp_path: Path
) -> None:
    cache = BlockCache(tmp_path, 10_000_000)
    reader = ArchiveReader(location, cache=cache)
    read(reader, manifest)
    asked = location.requests
    read(reader, with_file(manifest, sha256="0" * 64))
    assert location.requests > asked


def test_a_replay_pushes_nothing_out(location: Counted, manifest: Manifest, tmp_path: Path) -> None:
    cache = BlockCache(tmp_path, 10_000_000)
    reader = ArchiveReader(location, cache=cache)
    read(reader, manifest)
    kept = files(cache)
    assert sum(1 for _ in read_category(reader, [manifest], None)) == len(ALL)
    assert files(cache) == kept
    asked = location.requests
    read(reader, manifest)
    assert location.requests == asked


def test_memory_is_bounded_and_off_at_nothing(location: Counted, manifest: Manifest) -> None:
    reader = ArchiveReader(location, memory_bytes=0)
    read(reader, manifest)
    asked = location.requests
    assert read(reader, manifest) == expected(NAME)
    assert location.requests > asked
    reader = ArchiveReader(location, memory_bytes=3_000_000)
    for name in sorted({row[3] for row in ALL})[::20]:
        assert read(reader, manifest, name) == expected(name)
        assert 0 < reader.memory.nbytes <= 3_000_000


def test_threads_share_what_is_kept(location: Counted, manifest: Manifest, tmp_path: Path) -> None:
    reader = ArchiveReader(location, memory_bytes=2_000_000, cache=BlockCache(tmp_path, 400_000))
    names = sorted({row[3] for row in ALL})
    wrong: list[str] = []

    def work(first: int) -> None:
        wrong.extend(
            name for name in names[first::40] if read(reader, manifest, name) != expected(name)
        )

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
