"""JSON texts that PostgreSQL's jsonb takes, made from a seed: whatever a text of JSON may be."""

from __future__ import annotations

import random

# Numbers at the edges: what a float would round, what jsonb rewrites, what it writes out in full.
NUMBERS = [
    *("0", "-0", "-0.0", "0e0", "0.000", "0e-7", "-0E+3", "1.1", "1.10", "1.100", "1e0", "1E+2"),
    *("10e-1", "1.50e3", "9007199254740993", "1e308", "1e309", "-1e-400", "123456.7e-3"),
    *("1e1000", "1e-1000", "1e-16383", "1" * 5_000, "-" + "9" * 300 + "." + "0" * 300),
]
SCALARS = [*NUMBERS, "true", "false", "null", '""', "[]", "{}", " \t\r\n7 \n", "[ ]", "{\n}"]
# What a row, a line, a file or a reader could stumble over.
STRINGS = [
    r'"\u0001\u001f\b\f\n\r\t\"\\\/"',
    '"\x7f\x80\x85\xa0\u2028\u2029\ufeff\ufffe\uffff"',
    r'"\u00e9 e\u0301 \uD83D\uDE00 \ud83d\ude00 \uffff \u2028"',
    r'"\\u0000 is no NUL"',
    '"\'; --,\\"\\",$1 %s {0} \\\\N \\\\."',
    '"\U0001f600\U0010ffff\U000e0001 ŠÇ ß İ \u0131 ﬁ Å"',
]
# What differs in nothing but what jsonb calls equal, side by side.
ALIKE = [f'{{"amount": {number}}}' for number in ("1.1", "1.10", "1.100", "1.1000", "1.1", "11e-1")]
OBJECTS = [
    '{"a": 1, "a": 2, "A": 3}',
    '{"bb": 1, "a": {"y": 1, "x": [1.0, 1.00]}, "": null, "a": {"x": [1.00, 1.0]}}',
    r'{"\u0061": 1, "a": 2, "\u000a": 3, "\"": 4, "é": 5, "e\u0301": 6}',
    '{"type": "x", "data": {"data": null}, "metadata": [], "position": 1e2}',
]
HUGE = [
    "[" * 500 + "]" * 500,
    '{"a":' * 200 + "1.0" + "}" * 200,
    '"' + "ü" * 60_000 + '"',
    "[" + ", ".join(f'{{"n": {n}.{n:03}0, "n": {n}}}' for n in range(3_000)) + "]",
    "1e60000",
]


def json_texts(seed: int, count: int) -> list[str | None]:
    """The texts above, and ``count`` of any form; ``None`` is SQL NULL."""
    chance = random.Random(seed)
    fixed: list[str | None] = [None, *SCALARS, *STRINGS, *ALIKE, *OBJECTS, *HUGE]
    return fixed + [_padded(chance, _value(chance, chance.randrange(6))) for _ in range(count)]


def _value(chance: random.Random, depth: int) -> str:
    kind = chance.randrange(5 if depth else 3)
    if kind == 0:
        return _number(chance)
    if kind == 1:
        return _string(chance)
    if kind == 2:
        return chance.choice(SCALARS + STRINGS)
    items = [_value(chance, depth - 1) for _ in range(chance.randrange(5))]
    if kind == 3:
        return "[" + _padded(chance, ",".join(_padded(chance, item) for item in items)) + "]"
    # Few keys, so that many are there twice.
    keys = [chance.choice(['"a"', '"b"', r'"\u0061"', '"aa"', _string(chance)]) for _ in items]
    pairs = [
        _padded(chance, k) + ":" + _padded(chance, v) for k, v in zip(keys, items, strict=True)
    ]
    return "{" + ",".join(pairs) + _padded(chance, "") + "}"


def _number(chance: random.Random) -> str:
    whole = _digits(chance)
    text = chance.choice(["", "-"]) + (whole.lstrip("0") or "0")
    if chance.random() < 0.6:
        text += "." + _digits(chance) + "0" * chance.choice([0, 0, 1, 2, 40])
    if chance.random() < 0.4:
        text += chance.choice("eE") + chance.choice(["", "+", "-"])
        text += str(chance.choice([0, 1, 7, chance.randrange(40), chance.randrange(1_500)]))
    return text


def _digits(chance: random.Random) -> str:
    length = chance.choice([1, 1, 2, 4, 16, 17, 19, 20, 38, 200])
    return "".join(chance.choices("0123456789", k=length))


def _string(chance: random.Random) -> str:
    return '"' + "".join(_character(chance) for _ in range(chance.choice([0, 1, 3, 12, 60]))) + '"'


def _character(chance: random.Random) -> str:
    """One of all that there are but NUL, which jsonb cannot hold: as itself or escaped."""
    last = chance.choice([0x1F, 0x7F, 0xFF, 0xFFFF, 0x10FFFF])
    code = chance.randint(1, last)
    if 0xD800 <= code <= 0xDFFF:
        code -= 0x2000
    character = chr(code)
    if code < 0x20 or character in '"\\' or chance.random() < 0.2:
        units = character.encode("utf-16-be").hex()
        escaped = [units[at : at + 4] for at in range(0, len(units), 4)]
        return "".join("\\u" + chance.choice([each, each.upper()]) for each in escaped)
    return character


def _padded(chance: random.Random, text: str) -> str:
    around = chance.choices(["", " ", "\n", "\t\r\n "], weights=[6, 2, 1, 1], k=2)
    return around[0] + text + around[1]
