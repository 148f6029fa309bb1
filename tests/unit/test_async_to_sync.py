"""The generator of the sync client, on small sources."""

from __future__ import annotations

from pathlib import Path

import pytest

import async_to_sync

SOURCE = '''\
"""How to open one: ``async with connect_async() as store: await store.write(1)``."""

from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager

from psycopg import AsyncConnection

from coldstream.client._async.pages import pages
from coldstream.client.concurrency import in_thread

__all__ = ["AsyncStore", "connect_async"]


class AsyncStore:
    def __init__(self, connection: AsyncConnection) -> None:
        self.connection = connection

    async def __aenter__(self) -> "AsyncStore":
        return self

    async def totals(self) -> AsyncIterator[int]:
        async with aclosing(pages()) as found:
            async for page in found:
                yield await in_thread(sum, [row async for row in page])

    async def first(self) -> int:
        try:
            return await anext(self.totals())
        except StopAsyncIteration:
            # AsyncStore has nothing: await self.first() again later
            return 0


@asynccontextmanager
async def connect_async() -> AsyncIterator[AsyncStore]:
    yield AsyncStore(await AsyncConnection.connect(""))


def names() -> Iterator[str]:
    yield "await nothing: a plain string is data"
'''

SYNC = '''\
"""How to open one: ``with connect() as store: store.write(1)``."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

from psycopg import Connection

from coldstream.client._sync.pages import pages
from coldstream.client.concurrency import in_thread_sync

__all__ = ["Store", "connect"]


class Store:
    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def __enter__(self) -> "Store":
        return self

    def totals(self) -> Iterator[int]:
        with closing(pages()) as found:
            for page in found:
                yield in_thread_sync(sum, [row for row in page])

    def first(self) -> int:
        try:
            return next(self.totals())
        except StopIteration:
            # Store has nothing: self.first() again later
            return 0


@contextmanager
def connect() -> Iterator[Store]:
    yield Store(Connection.connect(""))


def names() -> Iterator[str]:
    yield "await nothing: a plain string is data"
'''


@pytest.fixture
def source() -> Path:
    """The folder that the real client's async files are in; nothing is written there."""
    return async_to_sync.SOURCES[0]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project of its own with one async file."""
    folder = tmp_path / "client" / "_async"
    folder.mkdir(parents=True)
    (folder / "store.py").write_text("async def ready() -> bool:\n    return True\n")
    return tmp_path


def run(project: Path, *arguments: str) -> int:
    return async_to_sync.main(
        list(arguments), sources=(project / "client" / "_async",), root=project
    )


def test_every_async_form_has_its_sync_form(source: Path) -> None:
    banner, _, body = async_to_sync.convert(SOURCE, source / "store.py").partition("\n\n")
    assert body == SYNC
    assert "Do not edit" in banner
    assert "src/coldstream/client/_async/store.py" in banner
    assert "python tools/async_to_sync.py" in banner


def test_names_that_coincide_are_imported_once(source: Path) -> None:
    text = "from psycopg import AsyncCursor, Cursor\n\nboth = (AsyncCursor, Cursor)\n"
    sync = async_to_sync.convert(text, source / "store.py")
    assert sync.endswith("from psycopg import Cursor\n\nboth = (Cursor, Cursor)\n")


@pytest.mark.parametrize(
    ("line", "left"),
    [
        ("import asyncio", "asyncio"),
        ("asyncio.get_running_loop()", "asyncio"),
        ("print(f'{await store.ready()}')", "Await"),
        ("print(f'{AsyncStore!r}')", "AsyncStore"),
    ],
)
def test_what_has_no_sync_form_is_refused(line: str, left: str, source: Path) -> None:
    text = f"async def f(store):\n    {line}\n"
    with pytest.raises(async_to_sync.NotConvertible, match=left):
        async_to_sync.convert(text, source / "store.py")


def test_what_was_generated_is_current(project: Path) -> None:
    assert run(project, "--check") == 1
    assert run(project) == 0
    assert run(project, "--check") == 0


def test_an_edited_file_is_not_current(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(project) == 0
    generated = project / "client" / "_sync" / "store.py"
    generated.write_text(generated.read_text().replace("True", "False"))
    capsys.readouterr()
    assert run(project, "--check") == 1
    printed = capsys.readouterr()
    assert "-    return False" in printed.out
    assert "+    return True" in printed.out
    assert "make generate" in printed.err


def test_a_file_whose_source_is_gone_is_removed(project: Path) -> None:
    assert run(project) == 0
    stray = project / "client" / "_sync" / "gone.py"
    stray.write_text("left = 1\n")
    assert run(project, "--check") == 1
    assert run(project) == 0
    assert not stray.exists()


def test_nothing_to_convert_is_an_error(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "client" / "_async" / "store.py").unlink()
    assert run(project, "--check") == 1
    assert "no Python file" in capsys.readouterr().err
