"""What is made of one stream's messages. It knows nothing of the engine that brings them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from decimal import Decimal


def replay(messages: Iterable[tuple[int, str, str | None]]) -> tuple[int, Decimal]:
    """The number of an account's messages, and its balance.

    ``messages``: position, type and data of a whole stream, in any order: a distributed engine
    keeps none. The positions give it back, and show whether all of them are there.

    Raises:
        ValueError: a position is missing or there twice.
    """
    count, balance = 0, Decimal(0)
    for position, type, data in sorted(messages, key=lambda message: message[0]):
        if position != count:
            raise ValueError(f"Position {position} where {count} belongs")
        count += 1
        # Not float: JSON in the archive has every digit that was written.
        amount = json.loads(data or "{}", parse_float=Decimal, parse_int=Decimal).get("amount", 0)
        balance += {"Deposited": amount, "Withdrawn": -amount}.get(type, Decimal(0))
    return count, balance
