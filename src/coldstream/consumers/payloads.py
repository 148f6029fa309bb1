import dataclasses
from collections.abc import Callable
from typing import Any

import msgspec


def is_model(m: Any) -> bool:
    return isinstance(m, type) and dataclasses.is_dataclass(m)


def message_type(m: Any) -> str:
    return m.__name__


def decoder(m: Any) -> Callable[[Any], Any]:
    d = msgspec.json.Decoder(m)
    return lambda message: d.decode(message.data_text)
