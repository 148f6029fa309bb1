"""Real GitHub webhook deliveries, as their senders know them: an event, a repository, a payload."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from coldstream.embedded import fetch_npm_package
from coldstream.embedded.packages import NpmPackage
from coldstream.errors import EmbeddedError
from coldstream.messages.json import JsonText

EXAMPLES = NpmPackage(
    name="@octokit/webhooks-examples",
    version="7.6.1",
    integrity=(
        "sha512-De6U3XB6O3DtCa7bKgCMzTHdeopqqZ6SNivMYJnK65ie"
        "rKL1AnNIA0tkRYCRS7lwGT792d+Ps1WbfHlso6MynQ=="
    ),
)
"""Deliveries that GitHub made, collected by the community (MIT licence)."""


@dataclass(frozen=True)
class Delivery:
    """One delivery. ``quiet``: the only one of its repository."""

    stream_name: str
    type: str
    payload: JsonText
    correlation_stream_name: str | None
    quiet: bool


def fetch_deliveries(progress: Callable[[str], None] | None = None) -> list[Delivery]:
    """Every delivery of the package, in the package's order: 329, of 1 to 27 kB.

    ``progress`` gets a line of text when something is downloaded.

    Raises:
        EmbeddedError: the package cannot be downloaded, or is not the one that is pinned.
    """
    package = fetch_npm_package(*EXAMPLES, progress)
    try:
        events = json.loads((package / "api.github.com" / "index.json").read_text("utf-8"))
        pairs = [(event["name"], payload) for event in events for payload in event["examples"]]
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise EmbeddedError(f"{package} holds no deliveries: {error}") from error
    counts = Counter(_repository(payload) for _, payload in pairs)
    return [
        Delivery(
            stream_name=f"{event.replace('-', '_')}-{_owner(payload)}",
            type=_type(event, payload),
            payload=JsonText(json.dumps(payload, ensure_ascii=False, separators=(",", ":"))),
            correlation_stream_name=_correlation(payload),
            quiet=counts[_repository(payload)] == 1,
        )
        for event, payload in pairs
    ]


def _repository(payload: dict[str, Any]) -> str | None:
    return _text(payload, "repository", "full_name")


def _owner(payload: dict[str, Any]) -> str:
    """Whose delivery it is: a repository, an organisation, or an account."""
    return (
        _repository(payload)
        or _text(payload, "organization", "login")
        or _text(payload, "installation", "account", "login")
        or _text(payload, "sender", "login")
        or "github"
    )


def _type(event: str, payload: dict[str, Any]) -> str:
    words = f"{event}_{payload.get('action') or ''}".replace("-", "_").replace(".", "_")
    return "".join(word.capitalize() for word in words.split("_"))


def _correlation(payload: dict[str, Any]) -> str | None:
    """What caused it: the installation of a GitHub app, or a user."""
    installation = payload.get("installation")
    if isinstance(installation, dict) and "id" in installation:
        return f"installation-{installation['id']}"
    user = _text(payload, "sender", "login")
    return f"user-{user}" if user else None


def _text(value: Any, *path: str) -> str | None:
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, str) and value else None
