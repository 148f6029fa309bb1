"""The benchmark: a package of its own, which not everybody who runs a store needs."""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import coldstream
from coldstream.cli.app import TRY_IT, app

PACKAGE = "coldstream_bench"


def is_there() -> bool:
    """Whether the package is installed, or beside the source in a checkout."""
    if find_spec(PACKAGE) is None:
        beside = Path(coldstream.__file__).resolve().parents[2] / "bench"
        if (beside / PACKAGE / "command.py").is_file():
            sys.path.append(str(beside))
    return find_spec(PACKAGE) is not None


if is_there():
    import_module(f"{PACKAGE}.command")
else:

    @app.command(group=TRY_IT, config=())
    def bench() -> None:
        """Measure Coldstream on your server: pip install 'coldstream[bench]' first."""
        from coldstream.errors import SetupError

        raise SetupError(
            "The benchmark is a package of its own, which is not installed",
            hint="pip install 'coldstream[bench]', or run it from a checkout.",
        )
