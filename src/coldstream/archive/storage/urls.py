"""What may be an archive's URL, and what of its options is an endpoint on this machine."""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

from coldstream.errors import ArchiveUnavailable


def checked_url(url: str) -> str:
    """An archive URL as it is kept: without a slash at its end, a path as a ``file://`` URL.

    It is kept in the database, where every reader of the store sees it, so nothing that may be a
    secret is taken; and what names a folder only by accident is not.

    Raises:
        ArchiveUnavailable: no such URL.
    """
    scheme, separator, rest = url.partition("://")
    if not separator:
        return _checked_path(url)
    place = urlsplit(re.split(r"[?#]", url, maxsplit=1)[0])
    user, at, host = place.netloc.rpartition("@")
    # Of what may be a secret not even a part is shown.
    # abfss://container@account.dfs.core.windows.net/prefix is how Azure itself writes it.
    if (at or ":" in place.netloc) and (not scheme.startswith("abfs") or ":" in user):
        raise ArchiveUnavailable(
            f"There is a user, a password or a port in this {_shown(scheme)} archive URL",
            hint="Credentials belong into the environment (AWS_ACCESS_KEY_ID and the like), "
            "an endpoint into --archive-option endpoint=...",
        )
    if set("?#") & set(rest):
        raise ArchiveUnavailable(
            f"There is a ? or a # in this {_shown(scheme)} archive URL",
            hint="Options go into --archive-option, credentials into the environment; in the name "
            "of a folder write %3F and %23.",
        )
    if scheme != "file":
        return url if scheme == "memory" else url.rstrip("/")
    if host not in ("", "localhost"):
        raise ArchiveUnavailable(
            f"Cannot open {url}: {host} is not on this machine",
            hint="Write file:/// with three slashes before an absolute path.",
        )
    path = unquote(place.path)
    if not path:
        raise ArchiveUnavailable("The archive URL is empty")
    return Path(path).absolute().as_uri()


def _checked_path(path: str) -> str:
    """A path that begins at the root; every other one depends on who asks from where."""
    if not path:
        raise ArchiveUnavailable("The archive URL is empty")
    if path.startswith("/"):
        return Path(path).absolute().as_uri()
    scheme, colon, rest = path.partition(":")
    if set("?#@") & set(path):
        raise ArchiveUnavailable("This is no archive URL", hint=_KINDS)
    if colon and re.fullmatch(r"[a-z][a-z0-9+]*", scheme):
        meant = f"{scheme}://{'/' if scheme == 'file' else ''}{rest.lstrip('/')}"
    else:
        meant = f"s3://{path}"
    raise ArchiveUnavailable(f"{path} is no archive URL", hint=f"Did you mean {meant}? {_KINDS}")


_KINDS = "Write s3://bucket/prefix, or file:///folder."


def _shown(scheme: str) -> str:
    return f"{scheme}://" if re.fullmatch(r"[a-z0-9+]+", scheme) else ""


_ENDPOINTS = (
    "endpoint",
    "endpoint_url",
    "aws_endpoint",
    "aws_endpoint_url",
    "aws_endpoint_url_s3",
    "azure_endpoint",
)


def endpoint_of(options: Mapping[str, str]) -> str | None:
    """The endpoint that options or the environment name; ``None``: the store's own."""
    given = {key.lower(): value for key, value in options.items()}
    for name in _ENDPOINTS:
        if value := given.get(name):
            return value
    for name in ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"):
        if value := os.environ.get(name):
            return value
    return None


def is_loopback(endpoint: str | None) -> bool:
    """Whether an endpoint is on this machine, so that nothing goes over a network."""
    host = urlsplit(endpoint).hostname if endpoint else None
    if host is None:
        return False
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
