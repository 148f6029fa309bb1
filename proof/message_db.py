"""The genuine Message DB, as its authors publish it, in a database of its own."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

PACKAGE = "@eventide/message-db@1.3.1"


class NoMessageDb(Exception):
    """It cannot be installed here."""


def install(dsn: str, name: str, folder: Path | None = None) -> str:
    """Make a database of this name and install Message DB into it, by its own script; gives its
    DSN. ``folder``: the package, unpacked; else npm fetches it. Needs psql.

    Raises:
        NoMessageDb
    """
    drop(dsn, name)
    with tempfile.TemporaryDirectory() as temporary:
        script = (folder or _fetched(Path(temporary))) / "database" / "install.sh"
        given = {key: str(value) for key, value in conninfo_to_dict(dsn).items()}
        names = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD"}
        environment = {names[key]: value for key, value in given.items() if key in names}
        try:
            subprocess.run(
                ["bash", str(script)],
                env=os.environ | environment | {"DATABASE_NAME": name},
                check=True,
                capture_output=True,
            )
        except (OSError, subprocess.CalledProcessError) as error:
            raise NoMessageDb(f"{script}: {getattr(error, 'stderr', error)!r}") from error
    return make_conninfo(dsn, dbname=name)


def drop(dsn: str, name: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(
            sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
        )


def _fetched(folder: Path) -> Path:
    try:
        packed = subprocess.run(
            ["npm", "pack", "--silent", PACKAGE],
            cwd=folder,
            check=True,
            capture_output=True,
            text=True,
        )
        subprocess.run(["tar", "xzf", packed.stdout.strip()], cwd=folder, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise NoMessageDb(f"{PACKAGE}: {error}") from error
    return folder / "package"
