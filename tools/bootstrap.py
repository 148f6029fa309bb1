"""Make ``.venv`` ready: ``python tools/bootstrap.py EXTRA[,EXTRA...]``.

Standard library only, so that it runs on a machine that has nothing but Python >= 3.11. A stamp in
``.venv`` remembers what was installed from which ``pyproject.toml``; while it is current there is
nothing to do. The extra ``dev`` also installs the dependency group ``no-deps``, without
dependencies (see ``pyproject.toml`` for the reason).
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import subprocess
import sys
import time
import tomllib
from pathlib import Path
from typing import Any, NoReturn

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "coldstream-bootstrap.json"
PROJECT = ROOT / "pyproject.toml"
OLDEST = (3, 11)


def main(arguments: list[str]) -> int:
    if len(arguments) != 1 or not all(arguments[0].split(",")):
        fail("usage: python tools/bootstrap.py EXTRA[,EXTRA...]", status=2)
    if sys.version_info < OLDEST:
        fail(f"Python {sys.version.split()[0]} is too old: 3.11 or newer is needed")
    extras = set(arguments[0].split(","))
    if is_current(extras):
        return 0
    with PROJECT.open("rb") as lock:
        # Two set-ups at once (make -j demo test) would write the same files: one waits here.
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            step("waiting for another set-up to end")
            fcntl.flock(lock, fcntl.LOCK_EX)
        if not is_current(extras):
            set_up(extras)
    return 0


def set_up(extras: set[str]) -> None:
    """Create the environment where there is none, and install ``extras`` into it."""
    project = tomllib.loads(PROJECT.read_text())
    known = set(project["project"]["optional-dependencies"])
    if unknown := extras - known:
        fail(f"no such extra: {', '.join(sorted(unknown))} (there are {', '.join(sorted(known))})")
    started = time.monotonic()
    stamp = read_stamp()
    if not usable(stamp):
        create_environment()
        stamp = {}
    # What was installed before stays installed: `make demo` after `make test` has nothing to do.
    extras |= set(stamp.get("extras", ()))
    # From here until the end the environment is neither the old nor the new one.
    STAMP.unlink(missing_ok=True)
    wanted = f".[{','.join(sorted(extras))}]"
    step(f"installing coldstream{wanted[1:]} into .venv (a first time takes a minute or two)")
    pip("--prefer-binary", "--editable", wanted)
    if "dev" in extras:
        without = project["dependency-groups"]["no-deps"]
        step(f"installing {', '.join(without)} without dependencies")
        pip("--no-deps", "--only-binary", ":all:", *without)
    STAMP.write_text(json.dumps(fingerprint() | {"extras": sorted(extras)}) + "\n")
    step(f"ready after {time.monotonic() - started:.0f} s")


def is_current(extras: set[str]) -> bool:
    stamp = read_stamp()
    installed = set(stamp.pop("extras", ()))
    return extras <= installed and stamp == fingerprint() and PYTHON.exists()


def read_stamp() -> dict[str, Any]:
    try:
        stamp = json.loads(STAMP.read_text())
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def fingerprint() -> dict[str, str]:
    """What an environment depends on, apart from the extras in it.

    The location is part of it: the scripts in ``.venv/bin`` name their Python by its full path.
    """
    return {
        "project": hashlib.sha256(PROJECT.read_bytes()).hexdigest(),
        "python": ".".join(map(str, sys.version_info[:2])),
        "root": str(ROOT),
    }


def usable(stamp: dict[str, Any]) -> bool:
    """Whether ``.venv`` can be kept: it runs, has pip, and is of this Python, in this place."""
    here = fingerprint()
    if any(stamp.get(key, here[key]) != here[key] for key in ("python", "root")):
        return False
    probe = "import pip, sys; print(*sys.version_info[:2], sep='.')"
    try:
        answer = subprocess.run(
            [PYTHON, "-I", "-c", probe], capture_output=True, text=True, check=False
        )
    except OSError:
        return False
    return answer.returncode == 0 and answer.stdout.strip() == here["python"]


def create_environment() -> None:
    try:
        import ensurepip
        import venv
    except ImportError:
        fail(
            f"{sys.executable} lacks venv or ensurepip: install them "
            "(Debian, Ubuntu: apt install python3-venv), or name another Python with PYTHON="
        )
    del ensurepip
    step(f"creating .venv with Python {sys.version.split()[0]}")
    try:
        venv.create(VENV, clear=True, symlinks=True, with_pip=True)
    except (OSError, subprocess.CalledProcessError) as error:
        fail(f"cannot create {VENV}: {error}")


def pip(*arguments: str) -> None:
    pip_install = ("-m", "pip", "--disable-pip-version-check", "--quiet", "install")
    command = [str(PYTHON), *pip_install, *arguments]
    if subprocess.run(command, cwd=ROOT, check=False).returncode:
        fail("pip could not install what is needed: its message is above (is there a network?)")


def step(text: str) -> None:
    print(f"==> {text}", flush=True)


def fail(text: str, *, status: int = 1) -> NoReturn:
    print(f"coldstream: {text}", file=sys.stderr)
    sys.exit(status)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        print("coldstream: set-up interrupted; the next run goes on from here", file=sys.stderr)
        sys.exit(130)
