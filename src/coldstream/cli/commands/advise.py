"""What to set, and what it comes to."""

from __future__ import annotations

import os
import tomllib
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter
from cyclopts.validators import Number

from coldstream.cli.app import STORE, WHERE, app
from coldstream.cli.options import Json, Schema
from coldstream.errors import InvalidInput

if TYPE_CHECKING:
    from coldstream.insights import Machine, Measured, Prices, Rates

_FIGURES = ("messages_per_day", "bytes_per_message", "columnstore_ratio", "archive_ratio")
_MORE_THAN_NOTHING = Number(gt=0)


@app.command(group=STORE)
def advise(
    *,
    messages_per_day: Annotated[
        float | None,
        Parameter(
            metavar="NUMBER",
            validator=_MORE_THAN_NOTHING,
            help="Instead of what the store has measured.",
        ),
    ] = None,
    bytes_per_message: Annotated[
        float | None,
        Parameter(
            metavar="BYTES",
            validator=_MORE_THAN_NOTHING,
            help="As a row, with its share of the indexes: about 1,000 where its JSON has 400.",
        ),
    ] = None,
    columnstore_ratio: Annotated[
        float | None,
        Parameter(
            metavar="TIMES",
            validator=_MORE_THAN_NOTHING,
            help="How many times smaller than rows it is.",
        ),
    ] = None,
    archive_ratio: Annotated[
        float | None,
        Parameter(metavar="TIMES", validator=_MORE_THAN_NOTHING, help="The same of the archive."),
    ] = None,
    keep: Annotated[
        str, Parameter(metavar="LENGTH", help="How long a history to count with.")
    ] = "365d",
    memory: Annotated[
        str | None,
        Parameter(metavar="SIZE", help="The database server's; left out, this machine's."),
    ] = None,
    processors: Annotated[
        int | None,
        Parameter(
            metavar="NUMBER",
            validator=Number(gte=1),
            help="The database server's; left out, this machine's.",
        ),
    ] = None,
    disk: Annotated[
        str | None,
        Parameter(metavar="SIZE", help="What the store may fill: then history stays that long."),
    ] = None,
    prices: Annotated[
        Path | None,
        Parameter(
            metavar="FILE",
            help="TOML: disk and object, the prices of a gigabyte a month, and a currency. None is "
            "looked up.",
        ),
    ] = None,
    disk_price: Annotated[
        float | None,
        Parameter(metavar="PRICE", validator=Number(gte=0), help="Instead of the file's."),
    ] = None,
    object_price: Annotated[
        float | None,
        Parameter(metavar="PRICE", validator=Number(gte=0), help="Instead of the file's."),
    ] = None,
    dsn: Annotated[
        str | None,
        Parameter(
            group=WHERE,
            show_env_var=True,
            metavar="DSN",
            help="The database. None is needed where both messages a day and their size are given.",
        ),
    ] = None,
    schema: Schema = "message_store",
    archive: Annotated[str | None, Parameter(show=False, help="Not used.")] = None,
    archive_option: Annotated[
        tuple[str, ...], Parameter(show=False, negative="", help="Not used.")
    ] = (),
    json: Json = False,
) -> None:
    """Say which chunk interval and ages to set, what each tier takes and costs, and what belongs
    into postgresql.conf: by what the store has measured, or by figures, before there is a store.

    Nothing is set, and no message is read.
    """
    from coldstream.cli.durations import parse_length
    from coldstream.cli.views.advice import show_advice
    from coldstream.insights import advise as advise_by

    given = dict(
        zip(
            _FIGURES,
            (messages_per_day, bytes_per_message, columnstore_ratio, archive_ratio),
            strict=True,
        )
    )
    priced = _prices(prices, disk_price, object_price)
    machine = _machine(memory, processors, disk)
    length: timedelta = parse_length(keep)
    needs_store = messages_per_day is None or bytes_per_message is None
    measured = _measure(dsn, schema) if needs_store else None
    found = advise_by(_rates(given, measured), machine, length, prices=priced)
    show_advice(found, priced, json=json)


def _measure(dsn: str | None, schema: str) -> Measured:
    import coldstream

    if not dsn:
        raise InvalidInput(
            "Neither a store nor figures to go by",
            hint="Give --dsn, or --messages-per-day and --bytes-per-message.",
        )
    with coldstream.connect(dsn, schema=schema, max_size=1) as store:
        return store.measured()


def _rates(given: dict[str, float | None], measured: Measured | None) -> Rates:
    from coldstream.insights import Rates

    values: dict[str, Any] = {}
    sources: dict[str, Any] = {}
    for name, value in given.items():
        known = None if measured is None else getattr(measured, name)
        if value is not None:
            values[name], sources[name] = value, "given"
        elif known is not None:
            values[name], sources[name] = known, "measured"
        elif name.endswith("_ratio"):
            sources[name] = "benchmark"
        else:
            raise InvalidInput(
                "The store has no chunk with messages whose time is over, so nothing is measured",
                hint="Give --messages-per-day and --bytes-per-message.",
            )
    return Rates(**values, sources=sources)


def _machine(memory: str | None, processors: int | None, disk: str | None) -> Machine:
    from coldstream.cli.sizes import parse_size
    from coldstream.insights import Machine

    if memory is None:
        size = _own_memory()
        if size is None:
            raise InvalidInput("This machine does not say how much memory it has", hint="--memory")
    else:
        size = parse_size(memory)
    room = None if disk is None else parse_size(disk)
    return Machine(size, processors or os.cpu_count() or 1, room)


def _own_memory() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return None


def _prices(file: Path | None, disk: float | None, object: float | None) -> Prices | None:
    """
    Raises:
        InvalidInput: a file that has no prices, or one price without the other.
    """
    from coldstream.insights import Prices

    found: dict[str, Any] = {}
    if file is not None:
        try:
            found = tomllib.loads(file.read_text("utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise InvalidInput(f"{file} has no prices: {error}") from None
        unknown = sorted(found.keys() - {"disk", "object", "currency"})
        if unknown:
            raise InvalidInput(f"{file}: {unknown[0]} is neither disk, object nor currency")
    for name, value in (("disk", disk), ("object", object)):
        if value is not None:
            found[name] = value
    if not found:
        return None
    for name in ("disk", "object"):
        price = found.get(name)
        if not isinstance(price, int | float) or isinstance(price, bool) or not 0 <= price < 1e9:
            raise InvalidInput(
                f"The price of a gigabyte a month is missing, or none: {name} is {price!r}",
                hint="Give both: disk = 0.10 and object = 0.02, or --disk-price and "
                "--object-price.",
            )
    currency = str(found.get("currency", ""))
    return replace(Prices(float(found["disk"]), float(found["object"])), currency=currency)
