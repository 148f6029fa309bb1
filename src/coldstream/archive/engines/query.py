"""SQL over the archive with DuckDB (extra ``query``), from the objects alone.

The view ``messages`` has every archived message once: of each range the files that its newest
manifest names, and none that no manifest names. The table ``archived_ranges`` has a row a range.

The SQL may be somebody else's, who asks a service. So it reads these files and nothing else, unless
it is allowed to: no other file, no server, no extension, no Python variable of the process; and it
writes nothing, not even over the archive.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain, pairwise
from types import ModuleType
from typing import TYPE_CHECKING

import pyarrow as pa

from coldstream.archive.format.rows import SCHEMA
from coldstream.archive.manifest.inventory import newest_manifests
from coldstream.archive.manifest.manifest import Manifest
from coldstream.archive.storage.location import ArchiveLocation
from coldstream.errors import (
    ArchiveCorrupt,
    ArchiveError,
    ArchiveUnavailable,
    InvalidInput,
    SetupError,
)
from coldstream.settings import FORMATS

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection, DuckDBPyRelation

_CSV_COLUMNS = {
    "global_position": "BIGINT",
    "position": "BIGINT",
    "time": "TIMESTAMPTZ",
    "stream_name": "VARCHAR",
    "type": "VARCHAR",
    "data": "JSON",
    "metadata": "JSON",
    "id": "UUID",
}
# DuckDB holds many lines of this length at once; a longer one is an error, not a shorter answer.
_CSV_LINE_BYTES = 16 * 1024 * 1024
# Text in a file. DuckDB looks at what it is when it reads the column. By name, so that both formats
# have the same columns in the same order, whatever a file's path looks like.
_TYPES = {"data": "JSON", "metadata": "JSON", "id": "UUID"}
_COLUMNS = ", ".join(
    f"{name}::{_TYPES[name]} AS {name}" if name in _TYPES else name for name in SCHEMA.names
)
_OURS = re.compile(r"^(?:Error: )?(Archive\w+|PermissionError): (.+)")
_NAME = re.compile(rb'"([a-zA-Z_]+)"|[a-zA-Z_]+')
_ALLOW = (
    "A query reads the archive and nothing else, unless it is allowed to: --allow-external-access "
    "(allow_external_access=True)."
)
_UNREADABLE = re.compile(r"Failed to read file|No magic bytes|CSV Error", re.IGNORECASE)
_TIME = pa.timestamp("us", tz="UTC")
_RANGES = pa.schema(
    [
        ("range_start", _TIME),
        ("range_end", _TIME),
        ("messages", pa.int64()),
        ("streams", pa.int64()),
        ("first_global_position", pa.int64()),
        ("last_global_position", pa.int64()),
        ("first_time", _TIME),
        ("last_time", _TIME),
        ("format", pa.string()),
        ("bytes", pa.int64()),
        ("objects", pa.list_(pa.string())),
    ]
)


# Of the archive's Parquet files, as DuckDB calls them; the other columns are texts.
_STORED = {"global_position": "BIGINT", "position": "BIGINT", "time": "TIMESTAMP WITH TIME ZONE"}
# They write files, or run a text as SQL, which would hide them; no setting of DuckDB's stops these.
_REFUSED = frozenset(
    (
        "enable_logging",
        "enable_profile",
        "enable_profiling",
        "json_execute_serialized_sql",
        "query",
    )
)


@contextmanager
def opened(
    location: ArchiveLocation,
    schema: str,
    *,
    memory_limit: str | None = None,
    allow_external_access: bool = False,
) -> Iterator[DuckDBPyConnection]:
    """A DuckDB connection with ``messages`` and ``archived_ranges``, its time zone UTC.

    Its queries read the archive and nothing else, and its configuration is locked; give what others
    wrote to :func:`check` first. ``allow_external_access`` lets them read and write local files,
    attach databases, load extensions (which are not downloaded unasked) and see the network.

    ``memory_limit``: as DuckDB writes it (``500MB``, ``4GB``; by default four fifths of the
    machine's memory). What does not fit goes to a temporary folder that is removed at the end.

    Raises:
        SetupError: DuckDB is not installed.
        ArchiveUnavailable, ArchiveCorrupt: the manifests cannot be read.
        InvalidInput: no such limit.
    """
    duckdb = _duckdb()
    manifests = newest_manifests(location, schema)
    with tempfile.TemporaryDirectory(prefix="coldstream-query-") as spill:
        config: dict[str, str | bool | int | float | list[str]] = {
            "temp_directory": spill,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": allow_external_access,
            "allow_persistent_secrets": allow_external_access,
        }
        if memory_limit is not None:
            config["memory_limit"] = memory_limit
        with errors():
            connection = duckdb.connect(config=config)
        with connection:
            connection.execute("SET TimeZone = 'UTC'")
            # Footers are read once, however many queries follow.
            connection.execute("SET parquet_metadata_cache = true")
            with errors():
                if manifests:
                    messages = _messages(connection, location, manifests, allow_external_access)
                    messages.create_view("messages")
                else:
                    # An empty archive has no messages, and their columns all the same.
                    connection.from_arrow(SCHEMA.empty_table()).project(_COLUMNS).create("messages")
                connection.from_arrow(_ranges(location, manifests)).create("archived_ranges")
                if not allow_external_access:
                    _shut(connection)
            yield connection


def _shut(connection: DuckDBPyConnection) -> None:
    """Leave the connection nothing but the archive, for good."""
    from coldstream.archive.engines.filesystem import PROTOCOL

    # An Arrow table or a data frame of the process is a table to DuckDB, by its variable's name.
    connection.execute("SET python_enable_replacements = false")
    # Archived files come through a file system of our own, which cannot write. The temporary folder
    # stays allowed: DuckDB adds it by itself.
    connection.execute(f"SET allowed_directories = ['{PROTOCOL}://']")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")


def _duckdb() -> ModuleType:
    try:
        import duckdb
    except ModuleNotFoundError as error:
        raise SetupError(
            "SQL over the archive needs DuckDB", hint="pip install 'coldstream[query]'"
        ) from error
    return duckdb


def check(sql: str) -> None:
    """Refuse SQL that gets around what :func:`opened` shuts.

    Raises:
        InvalidInput: it calls a function that writes files or runs a text as SQL.
        SetupError: DuckDB is not installed.
    """
    duckdb = _duckdb()
    data = sql.encode()
    starts = [start for start, _ in duckdb.tokenize(sql)]
    for start, following in pairwise(starts):
        # What is between a name and its bracket are spaces and comments, which are no tokens.
        name = _NAME.match(data, start)
        if name and data[following : following + 1] == b"(":
            word = (name[1] or name[0]).decode().lower()
            if word in _REFUSED:
                raise InvalidInput(f"{word}() is not allowed here", hint=_ALLOW)


def query(
    sql: str,
    archive: str,
    *,
    schema: str = "message_store",
    archive_options: Mapping[str, str] | None = None,
    memory_limit: str | None = None,
    allow_external_access: bool = False,
) -> pa.Table:
    """See :func:`coldstream.query`."""
    if not allow_external_access:
        check(sql)
    location = ArchiveLocation.open(archive, archive_options)
    with (
        opened(
            location,
            schema,
            memory_limit=memory_limit,
            allow_external_access=allow_external_access,
        ) as connection,
        errors(),
    ):
        return connection.execute(sql).to_arrow_table()


@contextmanager
def errors() -> Iterator[None]:
    """Turn DuckDB's errors into ours: one line, and what to do next."""
    import duckdb

    of_the_query = (
        duckdb.BinderException,
        duckdb.CatalogException,
        duckdb.ConstraintException,
        duckdb.ConversionException,
        duckdb.InvalidInputException,
        duckdb.InvalidTypeException,
        duckdb.NotImplementedException,
        duckdb.OutOfRangeException,
        duckdb.ParserException,
        duckdb.PermissionException,
        duckdb.SyntaxException,
        duckdb.TypeMismatchException,
    )
    try:
        yield
    except duckdb.OutOfMemoryException as error:
        raise ArchiveError(
            "The query needs more memory than it may have", hint="Give it more: --memory-limit 4GB."
        ) from error
    except duckdb.Error as error:
        first, _, rest = str(error).strip().partition("\n")
        # What our own file system raises comes back as text.
        if ours := _OURS.search(first):
            if ours[1] == "PermissionError":
                raise InvalidInput(ours[2], hint=_ALLOW) from error
            kind = ArchiveCorrupt if ours[1] == "ArchiveCorrupt" else ArchiveUnavailable
            raise kind(ours[2]) from error
        if isinstance(error, duckdb.PermissionException):
            raise InvalidInput(first, hint=_ALLOW) from error
        if isinstance(error, duckdb.IOException):
            raise ArchiveUnavailable(first) from error
        if not isinstance(error, of_the_query) or _UNREADABLE.search(first):
            raise ArchiveCorrupt(
                f"DuckDB cannot read the archive: {first}",
                hint="coldstream verify --all reads every object back and proves it.",
            ) from error
        hint, *_ = rest.strip().split("\n")
        if not hint or hint.startswith("LINE "):
            hint = f"The SQL is DuckDB's; messages has {', '.join(SCHEMA.names)}."
        raise InvalidInput(first, hint=hint) from error


def _messages(
    connection: DuckDBPyConnection,
    location: ArchiveLocation,
    manifests: Sequence[Manifest],
    external_access: bool,
) -> DuckDBPyRelation:
    of = {
        format: [f for m in manifests if m.format == format for f in m.files] for format in FORMATS
    }
    from coldstream.archive.engines.filesystem import ArchiveFiles, check_size

    # Where local files are allowed, DuckDB reads them itself: it may then also write over them.
    if not external_access or location.local_path(manifests[0].files[0].key) is None:
        connection.register_filesystem(ArchiveFiles(location, chain.from_iterable(of.values())))
        parquet, csv = ([ArchiveFiles.url_of(file) for file in of[format]] for format in FORMATS)
    else:
        for file in chain.from_iterable(of.values()):
            path = location.local_path(file.key)
            if path is not None and path.exists():
                check_size(location, file, path.stat().st_size)
        parquet, csv = (
            [_literal(str(location.local_path(file.key))) for file in of[format]]
            for format in FORMATS
        )
    relations = []
    if parquet:
        rows = connection.read_parquet(parquet, hive_partitioning=False)
        # DuckDB goes by the first file, and brings the others to its types or says that it cannot.
        found = dict(zip(rows.columns, map(str, rows.types), strict=True))
        if found != {name: _STORED.get(name, "VARCHAR") for name in SCHEMA.names}:
            first = of["parquet"][0]
            raise ArchiveCorrupt(
                f"{location.url_of(first.key)} has not the columns of an archive file",
                hint="coldstream verify --all reads every object back and proves it.",
            )
        relations.append(rows.project(_COLUMNS))
    if csv:
        rows = connection.read_csv(
            csv,  # type: ignore[arg-type]
            header=True,
            sep=",",
            quotechar='"',
            escapechar='"',
            auto_detect=False,
            columns=_CSV_COLUMNS,
            # An empty field is NULL, and one in quotes is an empty text.
            allow_quoted_nulls=False,
            parallel=False,
            max_line_size=_CSV_LINE_BYTES,
            # The words of a path are not columns (".../env=prod/...").
            hive_partitioning=False,
        ).project("*, split_part(stream_name, '-', 1) AS category")
        relations.append(rows)
    return relations[0] if len(relations) == 1 else relations[0].union(relations[1])


def _literal(path: str) -> str:
    """A path as a pattern that matches it alone."""
    return "".join(f"[{character}]" if character in "*?[" else character for character in path)


def _ranges(location: ArchiveLocation, manifests: Sequence[Manifest]) -> pa.Table:
    rows = [
        {
            **{name: getattr(manifest, name) for name in _RANGES.names if hasattr(manifest, name)},
            "messages": manifest.rows,
            "objects": [location.url_of(key) for key in manifest.keys],
        }
        for manifest in manifests
    ]
    return pa.Table.from_pylist(rows, schema=_RANGES)
