"""Options that several commands share. They come after the command's name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

from cyclopts import Parameter
from cyclopts.validators import Number

from coldstream.cli.app import WHERE
from coldstream.errors import InvalidInput

if TYPE_CHECKING:
    from coldstream.lifecycle import Lifecycle, Progress
    from coldstream.store import Store


def positional(help: str, *, name: str | None = None) -> Parameter:
    """A parameter that is given by its place."""
    return Parameter(name=name, help=help)


def _not_empty(type_: Any, value: str | None) -> None:
    if value is not None and not value.strip():
        raise ValueError("It is empty.")


def as_mapping(options: tuple[str, ...]) -> dict[str, str]:
    """Options of the object store, as :func:`coldstream.connect` takes them.

    Raises:
        InvalidInput: one that is no KEY=VALUE.
    """
    result = {}
    for option in options:
        key, equals, value = option.partition("=")
        if not equals or not key.strip():
            # It may be a secret, and what is shown here may be kept in a log.
            raise InvalidInput("--archive-option is not KEY=VALUE", hint="Give its name and an =.")
        result[key.strip()] = value
    return result


Dsn: TypeAlias = Annotated[
    str,
    Parameter(
        group=WHERE,
        validator=_not_empty,
        show_env_var=True,
        metavar="DSN",
        help="The database: postgresql://user@host/name, or 'host=... dbname=...'. libpq's own "
        "variables (PGPASSWORD, PGSERVICE, ...) fill in what it leaves out.",
    ),
]
Schema: TypeAlias = Annotated[
    str,
    Parameter(
        group=WHERE,
        validator=_not_empty,
        show_env_var=True,
        metavar="SCHEMA",
        help="The schema that the store is in.",
    ),
]
Profile: TypeAlias = Annotated[
    str | None,
    Parameter(
        group=WHERE,
        validator=_not_empty,
        metavar="NAME",
        show_default=False,
        help="Take all of these from a profile, of profiles.toml in ~/.config/coldstream or of the "
        "file that COLDSTREAM_CONFIG names; variables that say where a store is do not count then. "
        "COLDSTREAM_PROFILE names one, too, where no such variable is set.",
    ),
]
_ARCHIVE = Parameter(
    group=WHERE,
    validator=_not_empty,
    show_env_var=True,
    metavar="URL",
    help="Where the archive is: s3://bucket/prefix, gs://..., az://..., file:///folder.",
)
ArchiveOptions: TypeAlias = Annotated[
    tuple[str, ...],
    Parameter(
        group=WHERE,
        metavar="KEY=VALUE",
        negative="",
        show_default=False,
        show_env_var=True,
        help="An option of the object store, such as storage_class=STANDARD_IA or "
        "server_side_encryption=aws:kms. May be given several times; in the environment they "
        "are separated by spaces.",
    ),
]


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Database:
    """Where the store is, for a command that needs no archive: ``*, database: Database``."""

    dsn: Dsn
    schema: Schema = "message_store"
    archive: Annotated[
        str | None,
        Parameter(show=False, help="Not used: lines that name the archive for every command work."),
    ] = None
    archive_option: Annotated[
        tuple[str, ...], Parameter(show=False, negative="", help="Not used, as the archive.")
    ] = ()
    profile: Profile = None


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Server:
    """Which database, for a command that is about all of its stores."""

    dsn: Dsn
    schema: Annotated[
        str | None,
        Parameter(show=False, help="Not used: lines that name the store for every command work."),
    ] = None
    archive: Annotated[str | None, Parameter(show=False, help="Not used, as the schema.")] = None
    archive_option: Annotated[
        tuple[str, ...], Parameter(show=False, negative="", help="Not used, as the schema.")
    ] = ()
    profile: Profile = None


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Archive:
    """Which archive, for a command that needs no database."""

    archive: Annotated[str, _ARCHIVE]
    schema: Schema = "message_store"
    archive_option: ArchiveOptions = ()
    profile: Profile = None

    @property
    def archive_options(self) -> dict[str, str]:
        """As :func:`coldstream.connect` takes them."""
        return as_mapping(self.archive_option)


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Tiers(Database):
    """Where the store is, and its archive, for a command that works with both."""

    archive: Annotated[str | None, _ARCHIVE] = None
    archive_option: ArchiveOptions = ()

    @property
    def archive_options(self) -> dict[str, str]:
        """As :func:`coldstream.connect` takes them."""
        return as_mapping(self.archive_option)


def opened(database: Database, *, max_size: int = 1) -> Store:
    """The store, to be used as a context manager; ``max_size``: connections at most."""
    import coldstream
    from coldstream.settings import Settings

    where = database if isinstance(database, Tiers) else None
    return coldstream.connect(
        database.dsn,
        schema=database.schema,
        archive=where.archive if where else None,
        archive_options=where.archive_options if where else None,
        archive_reads=Settings.from_environment().archive_reads,
        max_size=max_size,
    )


def lifecycle_of(store: Store, progress: Progress | None = None) -> Lifecycle:
    """The store's lifecycle, which keeps the Iceberg table in step that the environment names."""
    from coldstream.lifecycle import Lifecycle
    from coldstream.settings import Settings

    iceberg = Settings.from_environment().iceberg
    if progress is None:
        return Lifecycle(store, iceberg=iceberg)
    return Lifecycle(store, progress=progress, iceberg=iceberg)


Json = Annotated[
    bool,
    Parameter(
        name="--json",
        negative="",
        show_default=False,
        help="Print JSON: sizes in bytes, durations in seconds, times in ISO 8601.",
    ),
]
DryRun = Annotated[
    bool,
    Parameter(negative="", show_default=False, help="Show what would be done, and do nothing."),
]
Yes = Annotated[
    bool, Parameter(negative="", show_default=False, help="Do not ask before it is done.")
]
OlderThan = Annotated[
    str,
    Parameter(
        metavar="AGE",
        help="Only what is older: an age (7d, 36h, 90 days, 1 year, P7D) or a time (2026-01-31, "
        "2026-01-31T10:00Z). 0d is everything whose time range has ended.",
    ),
]
AllCategories = Annotated[bool, Parameter(negative="", show_default=False, help="Every category.")]
Limit = Annotated[
    int | None,
    Parameter(metavar="N", validator=Number(gte=1), help="Stop after N messages."),
]
Correlation = Annotated[
    str | None,
    Parameter(
        metavar="CATEGORY",
        help="Of a category: only messages whose metadata has a correlationStreamName of this "
        "category.",
    ),
]
Member = Annotated[
    int | None,
    Parameter(metavar="N", help="Of a category: only the streams of this group member."),
]
Size = Annotated[
    int | None, Parameter(metavar="N", help="How many members the consumer group has.")
]
