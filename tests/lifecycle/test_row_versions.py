"""The drop digests rows again exactly where a version of a row may have changed since the proof."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from tests.history import START, WEEK
from tests.lifecycle.conftest import Store

from coldstream import ChunkChanged, ColdstreamError

OLD = datetime(2025, 12, 1, tzinfo=UTC)


def run(store: Store, *verbs: str) -> None:
    """Some verbs of the lifecycle; then the one connection there may be is free again."""
    with store.opened() as opened:
        for verb in verbs:
            getattr(opened.lifecycle, verb)(*([] if verb == "verify" else [OLD]))


@pytest.fixture(params=["rows", "columnstore"])
def verified(small: Store, request: pytest.FixtureRequest) -> Store:
    run(small, *(["compress"] if request.param == "columnstore" else []), "archive", "verify")
    return small


def no_digest(store: Store, *, allowed: bool = False) -> None:
    """From here on, whoever digests rows fails; or no longer."""
    names = ("no_digest", "digest_range") if allowed else ("digest_range", "no_digest")
    store.run("ALTER FUNCTION {}(timestamptz, timestamptz) RENAME TO {}".format(*names))
    store.run("SELECT record_functions()")


def unfrozen(store: Store) -> str:
    """The name of the first chunk, where rows can be written again."""
    [(chunk,)] = store.run("SELECT chunk_name FROM chunks ORDER BY range_start LIMIT 1")
    store.run("SELECT unfreeze(%s::regclass)", [chunk])
    return f"{chunk}"


def test_rows_that_nobody_touched_are_not_digested_again(verified: Store) -> None:
    no_digest(verified)
    run(verified, "drop")
    assert verified.states() == ["dropped"] * 2
    assert verified.read_all() == verified.truth


def test_rows_that_came_from_the_archive_are_not_digested_again(small: Store) -> None:
    run(small, "archive", "verify", "drop")
    with small.opened() as opened:
        opened.lifecycle.rehydrate(START, START + WEEK)
    no_digest(small)
    run(small, "drop")
    assert small.states() == ["dropped"] * 2


# UPDATE gives a row the value it has: the digest is the same, and only the digest can tell.
def test_rows_that_were_written_again_are_digested(verified: Store) -> None:
    unfrozen(verified)
    verified.run_behind(
        "UPDATE messages SET type = type WHERE stream_name = 'account-2' AND time < %s",
        [START + WEEK],
    )
    no_digest(verified)
    with pytest.raises(ColdstreamError, match="digest_range"):
        run(verified, "drop")
    no_digest(verified, allowed=True)
    run(verified, "drop")
    assert verified.states() == ["dropped"] * 2
    assert verified.read_all() == verified.truth


def test_rows_that_changed_are_found(verified: Store) -> None:
    unfrozen(verified)
    verified.run_behind(
        "UPDATE messages SET type = 'Other' WHERE stream_name = 'ledger-1' AND time < %s",
        [START + WEEK],
    )
    with pytest.raises(ChunkChanged):
        run(verified, "drop")
    assert verified.states() == ["verified", "dropped"]


def test_rows_that_moved_are_digested(small: Store) -> None:
    run(small, "archive", "verify")
    small.run(f"VACUUM FULL {unfrozen(small)}")
    no_digest(small)
    with pytest.raises(ColdstreamError, match="digest_range"):
        run(small, "drop")
    assert small.states() == ["verified"] * 2


def test_verifying_vouches_only_for_the_rows_that_were_exported(verified: Store) -> None:
    with verified.opened() as opened:
        opened.lifecycle.archive(OLD, again=True)
    unfrozen(verified)
    verified.run_behind("UPDATE messages SET type = 'Other' WHERE time < %s", [START + WEEK])
    run(verified, "verify")
    assert verified.run("SELECT row_versions IS NULL FROM chunks ORDER BY range_start") == [
        (True,),
        (False,),
    ]
    with pytest.raises(ChunkChanged):
        run(verified, "drop")
    assert verified.states() == ["verified", "dropped"]


# The columns change places: every row says something else, and no version of one has changed.
def test_rows_whose_columns_changed_are_found(verified: Store) -> None:
    for old, new in (("data", "other"), ("metadata", "data"), ("other", "metadata")):
        verified.run(f"ALTER TABLE messages RENAME COLUMN {old} TO {new}")
    with pytest.raises(ChunkChanged):
        run(verified, "drop")
    assert verified.states() == ["verified"] * 2


def test_another_server_digests_again(verified: Store) -> None:
    [(noted,)] = verified.run("SELECT row_versions FROM chunks ORDER BY range_start LIMIT 1")
    [(here,)] = verified.run("SELECT system_identifier FROM pg_control_system()")
    assert noted.startswith(f"{here}:0:")
    verified.run("UPDATE chunks SET row_versions = replace(row_versions, %s, '1')", [f"{here}"])
    no_digest(verified)
    with pytest.raises(ColdstreamError, match="digest_range"):
        run(verified, "drop")
