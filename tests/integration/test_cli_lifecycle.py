"""coldstream chunks, compress, archive, verify, drop, rehydrate."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.fix_cli import Cli, Ran
from tests.fix_s3 import S3Server
from tests.fix_store import InstalledStore
from tests.history import without_jobs

# Five weeks of ten messages a day: five chunks whose range has ended, or six.
HISTORY = """
INSERT INTO messages (stream_name, position, type, data, time)
SELECT 'account-1', n, 'Deposited', jsonb_build_object('amount', n),
  now() - INTERVAL '35 days' + n * INTERVAL '144 minutes'
FROM generate_series(0, 349) AS n
ORDER BY n
"""
Lifecycle = Callable[..., Ran]


@pytest.fixture
def store(fresh_store: InstalledStore) -> InstalledStore:
    """Five weeks of history, in a schema of its own."""
    without_jobs(fresh_store)
    fresh_store.run(HISTORY)
    return fresh_store


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return tmp_path / "archive"


@pytest.fixture
def lifecycle(
    cli: Cli, store: InstalledStore, archive: Path, monkeypatch: pytest.MonkeyPatch
) -> Lifecycle:
    """A command on that store and archive."""
    monkeypatch.setenv("COLDSTREAM_ARCHIVE", archive.as_uri())

    def lifecycle(*words: str) -> Ran:
        return cli(*words, "--dsn", store.dsn, "--schema", store.schema)

    return lifecycle


def states(lifecycle: Lifecycle) -> list[str]:
    return [chunk["state"] for chunk in lifecycle("chunks", "--json").json]


def test_the_whole_way_and_back(lifecycle: Lifecycle, archive: Path) -> None:
    compressed = lifecycle("compress", "--older-than", "14d").out
    assert compressed.startswith("Compressed")
    assert "3 chunks" in compressed or "2 chunks" in compressed

    archived = lifecycle("archive", "--older-than", "14d", "--json").json
    assert {chunk["state"] for chunk in archived} == {"exported"}
    messages = sum(chunk["messages"] for chunk in archived)
    assert all(
        chunk["archive_bytes_a_message"] == chunk["archive_bytes"] / chunk["messages"]
        for chunk in archived
    )
    assert {file.suffix for file in archive.rglob("*") if file.is_file()} == {".parquet", ".json"}

    verified = lifecycle("verify")
    assert verified.status == 0
    assert verified.out.count("  verified") == len(archived)
    assert f"verify: {len(archived)} chunks in " in verified.err

    dropped = lifecycle("drop", "--older-than", "14d")
    assert dropped.out.splitlines()[-1] == (
        f"dropped {len(archived)} chunks with {messages} messages; 0 stay"
    )
    chunks = lifecycle("chunks", "--json").json
    assert [chunk["tier"] for chunk in chunks[: len(archived)]] == ["cold"] * len(archived)

    first = chunks[0]
    back = lifecycle("rehydrate", "--from", first["range_start"], "--to", first["range_end"])
    assert back.out.startswith("Rehydrated")
    assert states(lifecycle)[0] == "rehydrated"
    assert (
        "nothing to rehydrate"
        in lifecycle("rehydrate", "--from", first["range_start"], "--to", first["range_end"]).out
    )
    assert (
        lifecycle("drop", "--older-than", "14d")
        .out.splitlines()[-1]
        .startswith(f"dropped 1 chunk with {first['messages']} messages")
    )


def test_chunks_for_people(lifecycle: Lifecycle) -> None:
    lifecycle("compress", "--older-than", "7d")
    lines = lifecycle("chunks").out.splitlines()
    assert lines[0].rstrip() == "Chunks"
    assert re.split("  +", lines[1].strip()) == [
        *["time range", "tier", "state", "messages", "as rows", "columnstore", "archive"],
        "last verified",
    ]
    assert " warm   compressed " in lines[3]
    assert lines[-5].split()[1] == "chunks"
    assert re.fullmatch(r"in the database now: .* as rows, .* in the columnstore", lines[-4])
    assert re.fullmatch(r"bookkeeping there: .*B \(\w+ .*B, \w+ .*B\)", lines[-3])
    assert lines[-2:] == ["in the archive: 0 B", lines[-1]]
    assert lines[-1].startswith("as rows all of it would take ")


@pytest.mark.parametrize(
    ("words", "nothing"),
    [
        ("compress --older-than 90d", "nothing to compress: no chunk in row form is older than"),
        ("archive --older-than 90d", "nothing to archive: what is older than 90d is archived"),
        ("verify", "nothing to verify: all is verified"),
        ("verify --all", "nothing to verify: the archive is empty"),
        ("drop --older-than 90d", "nothing to drop: no chunk in the database is older than 90d"),
        ("drop --older-than 2020-01-01", "nothing to drop: no chunk in the database is older"),
    ],
)
def test_nothing_due_is_said_and_is_no_failure(
    words: str, nothing: str, lifecycle: Lifecycle
) -> None:
    ran = lifecycle(*words.split())
    assert (ran.status, ran.err) == (0, "")
    assert ran.out.startswith(nothing)
    assert lifecycle(*words.split(), "--json").json == []


@pytest.mark.parametrize("verb", ["compress", "archive"])
def test_a_dry_run_shows_and_changes_nothing(
    verb: str, lifecycle: Lifecycle, store: InstalledStore, archive: Path
) -> None:
    before = states(lifecycle)
    ran = lifecycle(verb, "--older-than", "7d", "--dry-run")
    assert ran.status == 0
    assert ran.out.startswith("Would be ")
    assert states(lifecycle) == before
    assert not archive.exists()
    assert store.run("SELECT count(*) FROM messages") == [(350,)]


def test_drop_leaves_what_is_not_verified_and_says_why(
    lifecycle: Lifecycle, store: InstalledStore
) -> None:
    lifecycle("archive", "--older-than", "21d")
    lifecycle("verify")
    before = states(lifecycle)
    verified = before.count("verified")

    shown = lifecycle("drop", "--older-than", "0d", "--dry-run")
    assert shown.out.count("stays, not verified: closed") == before.count("closed")
    assert shown.out.splitlines()[-1].startswith(f"would drop {verified} chunks with ")
    assert states(lifecycle) == before

    dropped = lifecycle("drop", "--older-than", "0d", "--json").json
    assert [chunk["state"] for chunk in dropped if chunk["stays"] is None] == ["dropped"] * verified
    assert {chunk["stays"] for chunk in dropped if chunk["state"] != "dropped"} == {
        "not verified: closed"
    }
    assert lifecycle("drop", "--older-than", "0d").out.splitlines()[-1] == (
        "nothing to drop: none of them is verified in the archive"
    )
    kept = store.run("SELECT count(*) FROM messages")[0][0]
    assert kept == 350 - sum(c["messages"] for c in dropped if c["stays"] is None)


def test_drop_asks_on_a_terminal(
    lifecycle: Lifecycle, archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lifecycle("archive", "--older-than", "14d")
    lifecycle("verify")
    before = states(lifecycle)

    def declined(question: str, *, yes: bool) -> None:
        from coldstream.cli.prompt import Declined

        # How much, and where it is read from then on.
        assert question.startswith(f"Drop {before.count('verified')} chunks from the database: ")
        assert re.search(r": \d{4}-\d\d-\d\d to \d{4}-\d\d-\d\d, \d+ messages, ", question)
        assert question.endswith(f", then read from {archive.as_uri()}?")
        if not yes:
            raise Declined("nothing was changed", hint="--yes does it without a question")

    monkeypatch.setattr("coldstream.cli.prompt.confirm", declined)
    ran = lifecycle("drop", "--older-than", "14d")
    assert ran.status == 1
    where, warning, declined_, *_ = ran.err.splitlines()
    assert where == f"archive: {archive.as_uri()}"
    assert warning.startswith("warning: the only copy")
    assert declined_ == "coldstream: nothing was changed"
    assert states(lifecycle) == before
    assert lifecycle("drop", "--older-than", "14d", "--yes").status == 0
    assert states(lifecycle).count("dropped") == before.count("verified")


def test_a_run_says_what_it_would_drop(
    lifecycle: Lifecycle, archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lifecycle("lifecycle", "set", "--archive-after", "14d", "--drop-after", "14d")
    lifecycle("archive", "--older-than", "14d")
    before = states(lifecycle)
    monkeypatch.setattr("coldstream.cli.prompt.somebody_is_there", lambda: True)
    ran = lifecycle("lifecycle", "run")
    assert ran.status == 1
    where, warning, *due, question, hint = ran.err.splitlines()
    assert where == f"archive: {archive.as_uri()}"
    assert warning.startswith("warning: the only copy")
    assert len(due) == before.count("exported")
    assert all(" messages, " in line and line.endswith(archive.as_uri()) for line in due)
    assert question.startswith(f"Drop {len(due)} chunks from the database: ")
    assert question.endswith("coldstream: nothing was changed")
    assert "--yes" in hint
    assert states(lifecycle) == before


def test_csv_as_well(lifecycle: Lifecycle, archive: Path) -> None:
    assert lifecycle("archive", "--older-than", "21d", "--format", "csv").status == 0
    assert any(".csv" in file.name for file in archive.rglob("*"))
    assert lifecycle("verify").status == 0


def test_again_exports_what_is_still_in_the_database(lifecycle: Lifecycle) -> None:
    first = lifecycle("archive", "--older-than", "21d", "--json").json
    assert lifecycle("archive", "--older-than", "21d", "--json").json == []
    again = lifecycle("archive", "--older-than", "21d", "--again", "--json").json
    assert [chunk["range_start"] for chunk in again] == [chunk["range_start"] for chunk in first]


def test_a_damaged_object_is_one_line_and_status_1(lifecycle: Lifecycle, archive: Path) -> None:
    lifecycle("archive", "--older-than", "14d")
    damaged, *whole = sorted(archive.rglob("*.parquet"))
    content = bytearray(damaged.read_bytes())
    content[len(content) // 2] ^= 1
    damaged.write_bytes(content)

    ran = lifecycle("verify")
    problems = [line for line in ran.err.splitlines() if line.startswith("coldstream: ")]
    assert ran.status == 1
    assert len(problems) == 1
    assert damaged.name in problems[0]
    assert ran.out.count("  damaged") == 1
    assert ran.out.count("  verified") == len(whole)

    as_json = lifecycle("verify", "--json")
    assert as_json.status == 1
    assert [bool(each["problem"]) for each in _json(as_json)] == [True]
    assert lifecycle("drop", "--older-than", "14d").out.count("stays, not verified: exported") == 1


def test_what_cannot_be_read_is_not_called_damaged(lifecycle: Lifecycle, archive: Path) -> None:
    lifecycle("archive", "--older-than", "14d")
    files = list(archive.rglob("*.parquet"))
    chunks = len(files)
    for file in files:
        # A file that is missing is damage; this one is there, and nothing reads it.
        file.unlink()
        file.symlink_to(file.name)

    ran = lifecycle("verify")
    assert ran.status == 1
    assert ran.out.count("  not proved") == chunks > 0
    assert "damaged" not in ran.out


def test_an_archive_that_cannot_be_read_is_one_line(
    cli: Cli, store: InstalledStore, s3: S3Server
) -> None:
    def on_s3(*words: str, **options: str) -> Ran:
        given = [f"{name}={value}" for name, value in (s3.options | options).items()]
        return cli(
            *(*words, "--dsn", store.dsn, "--schema", store.schema),
            *("--archive", s3.url("one-line")),
            *(word for option in given for word in ("--archive-option", option)),
        )

    assert on_s3("archive", "--older-than", "14d").status == 0
    ran = on_s3("verify", secret_access_key="wrong")
    first, hint = ran.err.splitlines()
    assert (ran.status, ran.out) == (1, "")
    assert "the credentials are not accepted" in first
    assert "secret" in hint
    assert on_s3("verify").status == 0


def test_verify_all_finds_damage_after_the_drop(lifecycle: Lifecycle, archive: Path) -> None:
    for words in ("archive --older-than 21d", "verify", "drop --older-than 21d"):
        assert lifecycle(*words.split()).status == 0
    assert lifecycle("verify").out == "nothing to verify: all is verified\n"
    assert lifecycle("verify", "--all").status == 0
    next(archive.rglob("*.parquet")).unlink()
    assert lifecycle("verify", "--all").status == 1


def test_without_a_columnstore_compress_says_what_is_missing(
    lifecycle: Lifecycle, store: InstalledStore
) -> None:
    store.run("UPDATE store SET columnstore = false")  # as an install on the Apache edition does
    ran = lifecycle("compress", "--older-than", "7d")
    first, hint = ran.err.splitlines()
    assert (ran.status, ran.out) == (1, "")
    assert first == "coldstream: This edition of TimescaleDB has no columnstore"
    assert hint.startswith("  hint: Install the community edition")
    assert "compressed" not in states(lifecycle)


def test_an_archive_that_cannot_be_written_seals_nothing(
    cli: Cli, lifecycle: Lifecycle, store: InstalledStore, tmp_path: Path
) -> None:
    taken = tmp_path / "file"
    taken.write_text("")
    for url in ((taken / "folder").as_uri(), "nowhere://bucket", "file://host/folder"):
        ran = cli(
            *["archive", "--older-than", "7d", "--archive", url],
            *["--dsn", store.dsn, "--schema", store.schema],
        )
        assert (ran.status, ran.out) == (1, "")
        assert ran.err.startswith(f"coldstream: Cannot open {url}")
        assert len(ran.err.splitlines()) <= 2
    assert not {"sealed", "exporting", "exported"} & set(states(lifecycle))


def test_no_archive_option(cli: Cli, store: InstalledStore) -> None:
    ran = cli("archive", "--older-than", "7d", "--dsn", store.dsn, "--schema", store.schema)
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.splitlines() == [
        "coldstream: No archive location",
        "  hint: Give --archive or COLDSTREAM_ARCHIVE: s3://bucket/prefix or file:///folder.",
    ]


@pytest.mark.parametrize(
    ("age", "message"),
    [
        ("-7d", "'-7d' means the future"),
        ("2999-01-01", "'2999-01-01' means the future"),
        ("7", "'7' has no unit"),
        ("soon", "'soon' is neither an age nor a time"),
        ("5m", "'5m' may be minutes or months"),
    ],
)
@pytest.mark.parametrize("verb", ["compress", "archive", "drop"])
def test_an_age_that_means_the_future_or_nothing(
    verb: str, age: str, message: str, lifecycle: Lifecycle
) -> None:
    ran = lifecycle(verb, f"--older-than={age}")
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.splitlines()[0] == f"coldstream: {message}"
    assert set(states(lifecycle)) == {"open"}


@pytest.mark.parametrize(
    ("start", "end", "status", "message"),
    [
        ("2026-02-01", "2026-01-01", 2, "The range ends before it starts: "),
        ("1999-01-01", "1999-02-01", 2, "The store has no messages from "),
        ("yesterday", "2026-01-01", 2, "'yesterday' is not a time"),
    ],
)
def test_a_range_that_is_none(
    start: str, end: str, status: int, message: str, lifecycle: Lifecycle
) -> None:
    ran = lifecycle("rehydrate", "--from", start, "--to", end)
    assert (ran.status, ran.out) == (status, "")
    assert ran.err.startswith(f"coldstream: {message}")


def test_a_retention_policy_is_refused(lifecycle: Lifecycle, store: InstalledStore) -> None:
    store.run("SELECT add_retention_policy('messages', INTERVAL '100 years')")
    for verb in ("archive", "drop"):
        ran = lifecycle(verb, "--older-than", "7d")
        assert (ran.status, ran.out) == (1, "")
        assert ran.err.startswith("coldstream: A TimescaleDB retention policy drops chunks")


def _json(ran: Ran) -> Any:
    return json.loads(ran.out)


def test_a_policy_and_its_run(lifecycle: Lifecycle, store: InstalledStore) -> None:
    assert lifecycle("lifecycle", "show").out.split() == [
        *["Policy", "compress", "after", "7", "d"],
        *["archive", "after", "never", "drop", "after", "never"],
    ]
    ages = ["--compress-after", "7d", "--archive-after", "14d", "--drop-after", "21d"]
    assert lifecycle("lifecycle", "set", *ages).status == 0
    assert lifecycle("lifecycle", "set", "--compress-after", "never").status == 0
    week = 7 * 86400
    assert lifecycle("lifecycle", "show", "--json").json == {
        "compress_after": None,
        "archive_after": 2 * week,
        "drop_after": 3 * week,
    }
    wrong = lifecycle("lifecycle", "set", "--archive-after", "22d")
    assert (wrong.status, wrong.out) == (2, "")
    assert "archive_after (22 days, 0:00:00) is more than drop_after" in wrong.err

    planned = lifecycle("lifecycle", "run", "--dry-run")
    assert re.match(r"\d+ to be archived \(.* kB\), ", planned.out.splitlines()[-1])
    assert set(states(lifecycle)) == {"open"}
    ran = lifecycle("lifecycle", "run", "--json")
    assert {(step["step"], step["outcome"]) for step in ran.json} == {
        (verb, "done") for verb in ("archive", "verify", "drop")
    }
    assert {"dropped", "verified", "closed"} <= set(states(lifecycle))
    assert lifecycle("lifecycle", "run").out == "nothing is due\n"
    assert store.run("SELECT count(*) < 350 FROM messages") == [(True,)]

    log = lifecycle("lifecycle", "log")
    assert log.out.splitlines()[0].strip() == "History"
    assert "verified -> dropped" in log.out
    assert len(lifecycle("lifecycle", "log", "--limit", "2", "--json").json) == 2


def test_a_run_that_fails_says_of_which_chunk_and_goes_on(
    lifecycle: Lifecycle, archive: Path
) -> None:
    lifecycle("lifecycle", "set", "--archive-after", "14d", "--drop-after", "14d")
    lifecycle("archive", "--older-than", "21d")
    damaged, *_ = sorted(archive.rglob("*.parquet"))
    damaged.write_bytes(b"x" * damaged.stat().st_size)
    ran = lifecycle("lifecycle", "run")
    assert ran.status == 1
    assert re.search(r" dropped \(.*\), 1 failed, 1 skipped$", ran.out.splitlines()[-1])
    [problem] = [line for line in ran.err.splitlines() if line.startswith("coldstream: ")]
    assert problem.startswith("coldstream: verify of 20")
    assert damaged.name in problem


@pytest.mark.native
def test_a_second_run_ends_with_a_status_of_its_own(
    lifecycle: Lifecycle, store: InstalledStore
) -> None:
    with store.connect() as other:
        other.execute("SELECT pg_advisory_lock(1129271876, 'messages'::regclass::oid::integer)")
        for words in (["run"], ["run", "--wait", "0.1s"]):
            ran = lifecycle("lifecycle", *words)
            assert (ran.status, ran.out) == (75, "")
            assert ran.err.startswith("coldstream: Another lifecycle is running on this store")


def test_rehydrated_for_a_time(lifecycle: Lifecycle) -> None:
    for words in ("archive --older-than 21d", "verify", "drop --older-than 21d"):
        assert lifecycle(*words.split()).status == 0
    first = lifecycle("chunks", "--json").json[0]
    back = ["rehydrate", "--from", first["range_start"], "--to", first["range_end"]]
    assert lifecycle(*back, "--for", "7d").out.startswith("Rehydrated")
    chunk = lifecycle("chunks", "--json").json[0]
    assert chunk["is_kept"]
    assert chunk["kept_until"]
    wide = lifecycle("chunks", "--wide").out
    assert "kept until" in wide
    assert chunk["archive_object"] in wide
    assert lifecycle(*back, "--for", "14d").out.startswith("nothing to rehydrate")
    assert lifecycle("chunks", "--json").json[0]["kept_until"] > chunk["kept_until"]

    # An old cron line does not cut it short.
    ran = lifecycle("drop", "--older-than", "21d")
    assert "stays, kept until" in ran.out
    assert ran.out.splitlines()[-1] == "nothing to drop: none of them may go yet"
    ran = lifecycle("drop", "--older-than", "21d", "--kept")
    assert ran.out.splitlines()[-1].startswith("dropped 1 chunk with ")


def test_some_streams_are_rehydrated(lifecycle: Lifecycle) -> None:
    for words in ("archive --older-than 21d", "verify", "drop --older-than 21d"):
        assert lifecycle(*words.split()).status == 0
    first = lifecycle("chunks", "--json").json[0]
    back = ["rehydrate", "--from", first["range_start"], "--to", first["range_end"]]
    ran = lifecycle(*back, "--streams", "order-*")
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.startswith("coldstream: No stream of that time is matched by order-*")

    some = ["--streams", "acc*", "--streams", "account-1"]
    assert lifecycle(*back, *some, "--dry-run").out.startswith("Would be rehydrated")
    ran = lifecycle(*back, *some)
    assert ran.out.startswith("Rehydrated")
    said = f"acc* account-1: {first['messages']} messages"
    assert said in ran.out
    assert said in lifecycle("chunks").out
    chunk = lifecycle("chunks", "--json").json[0]
    assert (chunk["tier"], chunk["part_streams"]) == ("cold", ["acc*", "account-1"])
    assert chunk["part_messages"] == first["messages"]
    ran = lifecycle(*back, *some)
    assert ran.out == "nothing to rehydrate: these streams are in the database\n"

    dropped = lifecycle("drop", "--older-than", "21d").out.splitlines()[-1]
    assert dropped.startswith(f"dropped 1 chunk with {first['messages']} messages")
    assert lifecycle("chunks", "--json").json[0]["part_streams"] is None
