"""``python -m coldstream.embedded [--data-dir D] [--port P]``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ..errors import EmbeddedError
from .dev import run_dev


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m coldstream.embedded",
        description="TimescaleDB for trying and testing, never for production.",
    )
    parser.add_argument("--data-dir", type=Path, help="keep the data here (default: in memory)")
    parser.add_argument(
        "--port", type=int, default=0, help="port on 127.0.0.1 (default: a free one)"
    )
    arguments = parser.parse_args()
    try:
        return run_dev(
            arguments.data_dir, arguments.port, echo=lambda line: print(line, flush=True)
        )
    except EmbeddedError as error:
        print(f"error: {error}", file=sys.stderr)
        if error.hint:
            print(f"hint: {error.hint}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
