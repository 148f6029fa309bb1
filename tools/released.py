"""What a release promises the next one, recorded: ``python tools/released.py`` (``--check``).

A released migration never changes, and a client of one release works on the schema of the next: the
functions that it calls are there, take what it gives and give what it takes. ``released.json``
has both of the last release. It is written once for each release, when its version is set
(CONTRIBUTING, "Before a release"), and is empty before the first: until then everything may change.

``--check`` compares the sources with it, and exits with status 1 where they break a promise.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from coldstream._version import __version__
from coldstream.migrations.files import migrations
from coldstream.sql.objects import functions

RECORD = Path(__file__).with_name("released.json")
_SIGNATURE = re.compile(
    r"CREATE OR REPLACE (?:FUNCTION|PROCEDURE) @extschema@\.\w+\((.*?)\)\s*"
    r"(?:RETURNS (.*?)\s)?LANGUAGE",
    re.DOTALL,
)


def current() -> dict[str, Any]:
    """What this checkout would promise."""
    return {
        "version": __version__,
        "migrations": {each.name: each.checksum for each in migrations()},
        "functions": {
            each.name: signature(each.text)
            for each in functions("message_db", "application", "part", "owner")
        },
    }


def signature(text: str) -> dict[str, Any]:
    """The arguments and the result of the function that a file makes, each without blanks."""
    found = _SIGNATURE.search(text)
    if found is None:
        raise ValueError(f"no signature: {text[:80]}")
    arguments = re.split(r",(?![^(]*\))", found[1])
    return {
        "arguments": [" ".join(each.split()) for each in arguments if each.strip()],
        "returns": " ".join((found[2] or "").split()),
    }


def broken(released: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """The promises of a release that are not kept, a line each."""
    problems = []
    for name, checksum in released.get("migrations", {}).items():
        if now["migrations"].get(name) != checksum:
            problems.append(f"migration {name} was released, and is not what it was")
    for name, before in released.get("functions", {}).items():
        after = now["functions"].get(name)
        if after is None:
            problems.append(f"{name}() is called by clients of {released['version']}, and is gone")
            continue
        count = len(before["arguments"])
        if after["arguments"][:count] != before["arguments"]:
            problems.append(f"{name}() takes other arguments than in {released['version']}")
        elif any(" DEFAULT " not in each for each in after["arguments"][count:]):
            problems.append(f"{name}() takes another argument, which has no default")
        if after["returns"] != before["returns"]:
            problems.append(f"{name}() gives something else than in {released['version']}")
    if ".dev" not in now["version"] and released.get("version") != now["version"]:
        problems.append(f"{now['version']} is no dev version, and is not recorded")
    return problems


def main() -> int:
    now = current()
    if sys.argv[1:] == ["--check"]:
        problems = broken(json.loads(RECORD.read_text("utf-8")), now)
        print("\n".join(problems) or "nothing that was released has changed")
        return 1 if problems else 0
    if ".dev" in __version__:
        print(f"{__version__} is a dev version: set the version first", file=sys.stderr)
        return 2
    RECORD.write_text(json.dumps(now, indent=1, sort_keys=True) + "\n", "utf-8")
    print(f"{RECORD.name}: {__version__}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
