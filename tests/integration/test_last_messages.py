"""A stream's last message and its version, by either client, in every tier; and what comes next."""

from __future__ import annotations

import pytest
from tests.clients import Client
from tests.fix_tiers import TierStore
from tests.history import STREAMS

READ_ONLY = [name for name in STREAMS if not name.startswith("continued")]


def test_last_message(tier: TierStore, client: Client) -> None:
    for name in READ_ONLY:
        assert client.get_last_stream_message(name) == tier.of(name)[-1]


@pytest.mark.parametrize("name", ["account-1", "account-3", "account-4+a"])
def test_last_message_of_a_type(tier: TierStore, client: Client, name: str) -> None:
    for type in ("Opened", "Changed", "Closed", "Unheard"):
        expected = [m for m in tier.of(name) if m.type == type]
        assert client.get_last_stream_message(name, type) == (expected[-1] if expected else None)


def test_no_last_message_of_an_unknown_stream(client: Client) -> None:
    assert client.get_last_stream_message("unknown-1") is None


def test_stream_version(tier: TierStore, client: Client) -> None:
    versions = {name: client.stream_version(name) for name in READ_ONLY}
    assert versions == {name: tier.of(name)[-1].position for name in READ_ONLY}


def test_no_version_of_an_unknown_stream(client: Client) -> None:
    assert client.stream_version("unknown-1") is None


def test_a_write_continues_the_stream(tier: TierStore, client: Client, kind: str) -> None:
    name = f"continued-{kind}"
    before = client.get_stream_messages(name)
    assert before == tier.of(name)

    written = client.write_message(name, "Continued", expected_version=before[-1].position)

    assert written.position == len(before)
    assert written.global_position > tier.truth[-1].global_position
    after = client.get_stream_messages(name)
    assert after[:-1] == before
    assert (after[-1].type, after[-1].position) == ("Continued", written.position)
    assert client.get_last_stream_message(name) == after[-1]
    tier.truth.append(after[-1])
