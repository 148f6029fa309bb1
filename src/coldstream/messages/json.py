"""JSON as messages hold it: what is written is read back without loss. No I/O."""

from __future__ import annotations

import json
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

import orjson
import simplejson

from coldstream.errors import ColdstreamError, InvalidInput

# What simplejson refuses or writes otherwise, orjson is not to write in a way of its own.
_STRICT = (
    orjson.OPT_PASSTHROUGH_DATACLASS
    | orjson.OPT_PASSTHROUGH_DATETIME
    | orjson.OPT_PASSTHROUGH_SUBCLASS
)


def _plain(value: Any) -> Any:
    """What orjson writes without being asked: simplejson is to take no less."""
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, Enum):
        return value.value
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


# One encoder for every message: making it costs as much as encoding a small message does.
_LOSSLESS = simplejson.JSONEncoder(
    # Bytes are not text: simplejson would guess that they are UTF-8.
    encoding=None,  # type: ignore[arg-type]
    default=_plain,
    use_decimal=True,
    allow_nan=False,
    ensure_ascii=False,
    namedtuple_as_object=False,
    separators=(",", ":"),
)


class JsonText(str):
    """JSON that is already text: sent as it is, never parsed by the client."""

    __slots__ = ()


def decode_json(text: str | None) -> Any:
    """Decode JSON without loss: integers as ``int``, other numbers as ``Decimal``, and so integers
    of more digits than Python reads into an ``int`` (4,300, see ``sys.set_int_max_str_digits``).

    ``None`` (SQL NULL) and ``"null"`` (JSON null) both give ``None``.

    Raises:
        ColdstreamError: nested deeper than Python's recursion limit, about 1,000 levels, allows.
    """
    if text is None:
        return None
    try:
        return json.loads(text, parse_float=Decimal)
    except RecursionError:
        raise ColdstreamError(
            "The JSON is nested too deeply to be decoded",
            hint="Python nests as deep as its recursion limit; data_text is the text itself.",
        ) from None
    except ValueError as error:
        # Python refuses to read integers of more than 4,300 digits, which PostgreSQL holds.
        if isinstance(error, json.JSONDecodeError):
            raise
        return json.loads(text, parse_float=Decimal, parse_int=_whole)


def _whole(digits: str) -> int | Decimal:
    try:
        return int(digits)
    except ValueError:
        return Decimal(digits)


def encode_json(value: Any) -> str | None:
    """Encode to JSON text without loss; ``None`` stays ``None`` (SQL NULL).

    Takes what :func:`json.dumps` takes, and ``Decimal``, ``UUID`` (its text) and ``Enum`` (its
    value). :class:`JsonText` passes unchanged.

    Raises:
        InvalidInput: the value has no JSON form that PostgreSQL's ``jsonb`` can hold.
    """
    if value is None:
        return None
    if type(value) is not JsonText:
        try:
            encoded = orjson.dumps(value, None, _STRICT)
        except TypeError:
            pass
        else:
            # It writes NaN and Infinity as null.
            if b"null" not in encoded:
                return encoded.decode()
    return _encode_carefully(value)


def _encode_carefully(value: Any) -> str:
    try:
        text: str = value if isinstance(value, JsonText) else _LOSSLESS.encode(value)
        # A lone surrogate has no bytes to be sent as.
        text.encode()
    except RecursionError:
        raise InvalidInput("Not JSON: it is nested too deeply") from None
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"Not JSON: {error}", hint=_json_hint(error)) from None
    return text


def _json_hint(error: Exception) -> str | None:
    text = str(error)
    if "type datetime" in text or "type date " in text or "type time " in text:
        return "Give its text: value.isoformat()."
    if "type set" in text or "type frozenset" in text:
        return "Give a list: sorted(value)."
    if "not JSON serializable" in text:
        return (
            "JSON has text, numbers, lists, dicts, true, false and null; UUID, Decimal and Enum "
            "are written as such."
        )
    if "digits" in text:
        return "Give a Decimal of it, or JsonText."
    return None
