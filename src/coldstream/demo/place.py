"""Where the demo happens, and that nothing of it is left."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from psycopg import sql

from coldstream.embedded import EmbeddedServer
from coldstream.errors import ForeignSchema, InvalidInput
from coldstream.migrations import install
from coldstream.migrations.connection import direct_connection
from coldstream.sql import Names, query

_MARK = "made by coldstream demo"
_MARK_WITH_ROLE = "made by coldstream demo, its role too"


@dataclass(frozen=True)
class Place:
    """An empty store and an empty folder. ``server`` says what runs there, in a few words;
    ``data_dir`` is where an embedded server keeps its data, if it does."""

    dsn: str
    schema: str
    archive: Path
    server: str
    embedded: bool
    data_dir: Path | None

    @property
    def archive_url(self) -> str:
        return self.archive.as_uri()


@contextmanager
def prepared(
    *,
    dsn: str | None,
    schema: str | None,
    keep: Path | None,
    replace: bool,
    progress: Callable[[str], None],
) -> Iterator[Place]:
    """A place for one demo. Server, schema and folder go when the body ends, however it ends;
    with ``keep``, a body that ends well leaves data and archive in that folder (on a server of
    the caller's: the schema, and the archive in that folder).

    ``dsn`` ``None``: an embedded server. ``replace``: a schema that is there already goes first,
    whoever made it. ``progress`` gets a line for each thing that takes a while.

    Raises:
        InvalidInput: ``keep`` is not an empty folder.
        ForeignSchema: the schema is there and no demo made it.
        EmbeddedError, Unavailable, SetupError: there is no server that can do it.
    """
    with ExitStack() as stack:
        folder = stack.enter_context(_folder(keep))
        data_dir = folder / "data" if keep and dsn is None else None
        embedded = dsn is None
        if dsn is None:
            progress("starting TimescaleDB in a child process")
            server = EmbeddedServer(data_dir, progress=progress)
            # First what stops it: a Ctrl-C right after the start finds it.
            stack.callback(server.stop)
            server.start()
            dsn = server.dsn
        schema = schema or ("message_store" if embedded else "coldstream_demo")
        names = Names(schema)
        if not embedded:
            stack.enter_context(_own_schema(dsn, names, replace=replace, keep=keep is not None))
        progress(f"installing a store into schema {schema}")
        with direct_connection(dsn, schema) as connection:
            install(connection, names)
            connection.execute(query("delete_jobs", schema).encode())
            versions = connection.execute(query("server_versions", schema).encode()).fetchone()
        assert versions is not None
        about = f"TimescaleDB {versions[1]} on PostgreSQL {versions[0].split()[0]}"
        yield Place(dsn, schema, folder / "archive", about, embedded, data_dir)


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    if keep is None:
        with tempfile.TemporaryDirectory(prefix="coldstream-demo-") as name:
            yield Path(name)
        return
    folder = keep.expanduser().absolute()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InvalidInput(f"{keep} is not an empty folder", hint="Give --keep a new one.")
    existed = folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        yield folder
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        if existed:
            folder.mkdir(exist_ok=True)
        raise


@contextmanager
def _own_schema(dsn: str, names: Names, *, replace: bool, keep: bool) -> Iterator[None]:
    _create_schema(dsn, names, replace=replace)
    try:
        yield
    except BaseException:
        _drop_schema(dsn, names)
        raise
    if keep:
        with direct_connection(dsn, names.schema) as connection:
            install(connection, names)
    else:
        _drop_schema(dsn, names)


def _create_schema(dsn: str, names: Names, *, replace: bool) -> None:
    with direct_connection(dsn, names.schema) as connection:
        row = connection.execute(
            query("demo_schema", names.schema).encode(),
            {"schema": names.schema, "role": names.role_name},
        ).fetchone()
    assert row is not None
    comment, has_role = row
    if comment is not None:
        if comment not in (_MARK, _MARK_WITH_ROLE) and not replace:
            raise ForeignSchema(
                f"Schema {names.schema} exists and was not made by the demo",
                hint="Choose another one (--schema); --yes drops this one with all that is in it.",
            )
        has_role = has_role and comment != _MARK_WITH_ROLE
        _drop_schema(dsn, names)
    mark = _MARK if has_role else _MARK_WITH_ROLE
    schema = sql.Identifier(names.schema)
    with direct_connection(dsn, names.schema) as connection, connection.transaction():
        connection.execute(sql.SQL("CREATE SCHEMA {}").format(schema))
        connection.execute(sql.SQL("COMMENT ON SCHEMA {} IS {}").format(schema, mark))


def _drop_schema(dsn: str, names: Names) -> None:
    with direct_connection(dsn, names.schema) as connection, connection.transaction():
        row = connection.execute(
            query("demo_schema", names.schema).encode(),
            {"schema": names.schema, "role": names.role_name},
        ).fetchone()
        assert row is not None
        connection.execute("SET LOCAL client_min_messages = warning")
        # First the hypertable: DROP SCHEMA would leave the tables of its compressed chunks.
        connection.execute(
            sql.SQL("DROP TABLE IF EXISTS {} CASCADE").format(
                sql.Identifier(names.schema, "messages")
            )
        )
        connection.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(names.schema)))
        if row[0] == _MARK_WITH_ROLE and row[1]:
            for role in (names.role_name, names.inserter_name):
                connection.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(role)))
