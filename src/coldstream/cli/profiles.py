"""Named stores in a file: ``--profile NAME`` instead of the options that say where one is.

A profile stands for variables of the environment, so that it means the same to every command, and
to what a command reads besides its options. One that is named on the line replaces all variables
that say where a store is: the archive of one store with the database of another would be a store
that nobody meant.
"""

from __future__ import annotations

import os
import stat
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from coldstream.errors import InvalidInput

VARIABLE = "COLDSTREAM_PROFILE"
CONFIG = "COLDSTREAM_CONFIG"

# Keys of a profile: the options that they stand for, with and without a store's own name.
WHERE = ("dsn", "schema", "archive", "archive-option", "iceberg")


def path_of_profiles() -> Path:
    """The file that is named by COLDSTREAM_CONFIG, or else the user's own."""
    if given := os.environ.get(CONFIG):
        return Path(given).expanduser()
    base = os.environ.get("XDG_CONFIG_HOME")
    return (Path(base) if base else Path.home() / ".config") / "coldstream" / "profiles.toml"


def load_profiles(path: Path) -> dict[str, dict[str, str]]:
    """Every profile of a file: the variables that it stands for, without the prefix.

    Raises:
        InvalidInput: it cannot be read, is no TOML, has a key that means nothing, or a password
            that others may read.
    """
    try:
        text = path.read_text("utf-8")
        mode = path.stat().st_mode
    except FileNotFoundError:
        raise InvalidInput(
            f"There is no {path}", hint='[NAME], and below it dsn = "postgresql://...".'
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{path} cannot be read: {error}") from error
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidInput(f"{path} is not TOML: {error}") from None
    profiles = {name: _profile(path, name, table) for name, table in tables.items()}
    if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
        for name, profile in profiles.items():
            if _has_secret(profile):
                raise InvalidInput(
                    f"Others may read {path}, and profile {name} has a secret in it",
                    hint=f"chmod 600 {path}",
                )
    return profiles


def _profile(path: Path, name: str, table: object) -> dict[str, str]:
    if not isinstance(table, Mapping):
        raise InvalidInput(
            f"{path}: {name} stands in no profile", hint=f"Put it below a [NAME]: {name} = ..."
        )
    found = {}
    for key, value in table.items():
        plain = str(key).replace("_", "-")
        if plain not in WHERE:
            raise InvalidInput(
                f"{path}: profile {name} has a key {key!r}", hint=f"Keys are {', '.join(WHERE)}."
            )
        if plain == "archive-option" and isinstance(value, Mapping):
            value = [f"{option}={one}" for option, one in value.items()]
        if plain == "archive-option" and isinstance(value, list):
            if any(not isinstance(each, str) or " " in each for each in value):
                raise InvalidInput(f"{path}: profile {name}: an archive-option has a space in it")
            value = " ".join(value)
        if not isinstance(value, str) or not value.strip():
            raise InvalidInput(f"{path}: profile {name}: {key} is no text")
        found[plain.replace("-", "_")] = value
    if "dsn" not in found and "archive" not in found:
        raise InvalidInput(f"{path}: profile {name} has neither dsn nor archive")
    return found


def _has_secret(profile: Mapping[str, str]) -> bool:
    from psycopg import ProgrammingError
    from psycopg.conninfo import conninfo_to_dict

    try:
        given = conninfo_to_dict(profile.get("dsn", ""))
    except ProgrammingError:
        given = {}
    options = profile.get("archive_option", "").lower()
    return bool(given.get("password")) or "secret" in options or "token" in options


def use(name: str | None) -> None:
    """Let the environment of this process say what the profile ``name`` says, or the one that
    COLDSTREAM_PROFILE names.

    Raises:
        InvalidInput: there is no such profile, or variables say where a store is, too.
    """
    if name is not None and not name.strip():
        raise InvalidInput("--profile is empty")
    variables = {f"COLDSTREAM_{key.replace('-', '_').upper()}" for key in WHERE}
    if name is None:
        name = os.environ.get(VARIABLE)
        if not name:
            return
        if twice := sorted(each for each in variables if os.environ.get(each)):
            raise InvalidInput(
                f"{VARIABLE} and {twice[0]} both say where the store is",
                hint=f"Unset one, or name the profile on the line: --profile {name}.",
            )
    path = path_of_profiles()
    profiles = load_profiles(path)
    if name not in profiles:
        there = f"There are {', '.join(sorted(profiles))}." if profiles else "It has none."
        raise InvalidInput(f"No profile {name!r} in {path}", hint=there)
    for variable in variables:
        os.environ.pop(variable, None)
    os.environ.update({f"COLDSTREAM_{key.upper()}": text for key, text in profiles[name].items()})


@contextmanager
def environment_kept() -> Iterator[None]:
    """The environment is afterwards as it was before."""
    before = {key: value for key, value in os.environ.items() if key.startswith("COLDSTREAM_")}
    try:
        yield
    finally:
        for key in [key for key in os.environ if key.startswith("COLDSTREAM_")]:
            if key not in before:
                del os.environ[key]
        os.environ.update(before)
