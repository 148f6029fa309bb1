"""What the async and the generated sync client do differently."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


async def in_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a blocking function without blocking the event loop."""
    return await asyncio.to_thread(function, *args, **kwargs)


def in_thread_sync(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a blocking function."""
    return function(*args, **kwargs)


sleep = asyncio.sleep
sleep_sync = time.sleep
