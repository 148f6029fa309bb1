"""Two encoders write JSON, and which of them had a value does not show: neither in what is written
nor in what is refused."""

from __future__ import annotations

from collections import OrderedDict, namedtuple
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from random import Random
from typing import Any
from uuid import UUID

import pytest

from coldstream import ColdstreamError, InvalidInput, JsonText
from coldstream.messages.json import decode_json, encode_json


class Colour(Enum):
    RED = "red"
    PAIR = (1, "two")


class Number(IntEnum):
    ONE = 1


class Word(StrEnum):
    HELLO = "hello"


class Text(str):
    __slots__ = ()


class Table(dict[str, Any]):
    pass


@dataclass
class Point:
    x: int = 1


Pair = namedtuple("Pair", "a b")

DEEP: list[Any] = []
for _ in range(300):
    DEEP = [DEEP]
ENDLESS: list[Any] = []
ENDLESS.append(ENDLESS)

# What goes in, and what is read back.
TAKEN: list[tuple[Any, Any]] = [
    ("", ""),
    ("null", "null"),
    ('é\x01\x7f"\\\n\u2028😀', 'é\x01\x7f"\\\n\u2028😀'),
    ({"": {}, "null": [], "é": ()}, {"": {}, "null": [], "é": []}),
    ([True, False, None], [True, False, None]),
    (0, 0),
    (2**64 - 1, 2**64 - 1),
    (-(2**63), -(2**63)),
    (2**64, 2**64),
    (-(10**40), -(10**40)),
    (0.1, Decimal("0.1")),
    (1.0, Decimal("1.0")),
    (1e16, Decimal("1e16")),
    (1e-7, Decimal("1e-7")),
    (5e-324, Decimal("5e-324")),
    (1.7976931348623157e308, Decimal("1.7976931348623157e308")),
    (Decimal("1.100000000000000000000000001"), Decimal("1.100000000000000000000000001")),
    (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
    ([Colour.RED, Colour.PAIR, Number.ONE, Word.HELLO], ["red", [1, "two"], 1, "hello"]),
    ({1: "a", None: "b", 2.5: "c"}, {"1": "a", "null": "b", "2.5": "c"}),
    ({Word.HELLO: 1, Text("text"): 2}, {"hello": 1, "text": 2}),
    (Table(a=OrderedDict(b=Text("c"))), {"a": {"b": "c"}}),
    (Pair(1, 2), [1, 2]),
    ([JsonText("{}")], ["{}"]),
    (DEEP, DEEP),
]

REFUSED: list[Any] = [
    float("nan"),
    float("inf"),
    -float("inf"),
    Decimal("NaN"),
    "\ud800",
    {"\ud800": 1},
    b"bytes",
    bytearray(b"bytes"),
    {1, 2},
    range(3),
    object(),
    Point(),
    datetime(2026, 1, 1, tzinfo=UTC),
    date(2026, 1, 1),
    {(1, 2): 3},
    {b"key": 1},
    {UUID(int=1): 1},
    {Colour.RED: 1},
    ENDLESS,
]

# What stands beside a value decides which encoder gets it: the second and the third are for the
# careful one.
BESIDE = [1, None, Decimal("1.5")]


@pytest.mark.parametrize(("value", "back"), TAKEN, ids=range(len(TAKEN)))
def test_taken(value: Any, back: Any) -> None:
    text = encode_json(value)
    assert text is not None
    assert decode_json(text) == back
    assert repr(decode_json(text)) == repr(back) or isinstance(value, float)
    for beside in BESIDE:
        pair = encode_json({"value": [value], "beside": beside})
        assert decode_json(pair) == {"value": [back], "beside": beside}


@pytest.mark.parametrize("value", REFUSED, ids=range(len(REFUSED)))
def test_refused(value: Any) -> None:
    for whole in (value, [value], *({"value": [value], "beside": each} for each in BESIDE)):
        with pytest.raises(InvalidInput, match=r"^Not JSON: "):
            encode_json(whole)


def test_a_value_of_many_parts() -> None:
    random = Random(7)
    for _ in range(500):
        value, back = _nested(random, 4)
        assert decode_json(encode_json([value])) == [back]


def test_none_of_many_parts_is_overlooked() -> None:
    random = Random(8)
    for _ in range(500):
        value, _ = _nested(random, 3)
        with pytest.raises(InvalidInput, match=r"^Not JSON: "):
            encode_json([value, {"last": random.choice(REFUSED)}])


def _nested(random: Random, depth: int) -> tuple[Any, Any]:
    if depth == 0 or random.random() < 0.2:
        return random.choice(TAKEN[:-1])
    parts = [_nested(random, depth - 1) for _ in range(random.randrange(4))]
    if random.random() < 0.5:
        return [value for value, _ in parts], [back for _, back in parts]
    return (
        {f"k{n}": value for n, (value, _) in enumerate(parts)},
        {f"k{n}": back for n, (_, back) in enumerate(parts)},
    )


def test_integers_of_any_size() -> None:
    digits = "1" * 5000
    decoded = decode_json(f'{{"n": {digits}, "m": 12345678901234567890}}')
    # More digits than Python reads into an int.
    assert decoded == {"n": Decimal(digits), "m": 12345678901234567890}
    assert type(decoded["m"]) is int
    assert encode_json(decoded) == f'{{"n":{digits},"m":12345678901234567890}}'


def test_what_is_nested_too_deeply_names_the_cause() -> None:
    with pytest.raises(ColdstreamError, match="nested too deeply") as caught:
        decode_json("[" * 100_000 + "]" * 100_000)
    assert "data_text" in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        (datetime(2026, 1, 1, tzinfo=UTC), "isoformat"),
        (date(2026, 1, 1), "isoformat"),
        ({1, 2}, "list"),
        (object(), "UUID, Decimal and Enum"),
        pytest.param(10**5000, "Decimal", id="an integer of 5,001 digits"),
    ],
)
def test_what_is_not_json_has_a_hint(value: Any, hint: str) -> None:
    with pytest.raises(InvalidInput, match=r"^Not JSON: ") as caught:
        encode_json({"at": value})
    assert hint in (caught.value.hint or "")
    assert caught.value.__cause__ is None
