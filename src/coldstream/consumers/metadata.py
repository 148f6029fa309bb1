from typing import Any


def follow(message: Any, metadata: Any = None) -> dict[str, Any]:
    return {}
