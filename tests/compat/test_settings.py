"""The debug settings: which notices a function sends, and that none come unasked."""

import psycopg
import pytest

from .statements import column, refused, write

ID = "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"
COMMAND = "Generated Command: "

READ_STREAM = "SELECT * FROM get_stream_messages('account-1', 0, 5)"
READ_CATEGORY = "SELECT * FROM get_category_messages('account', 1, 5)"
READ_LAST = "SELECT * FROM get_last_stream_message('account-1')"
WRITE = f"SELECT write_message('{ID}', 'account-1', 'Opened', '{{\"a\":1}}', '{{}}', -1)"
LOCK = "SELECT acquire_lock('account-1')"

STREAM_NOTICES = [
    "» get_stream_messages",
    "stream_name ($1): account-1",
    "position ($2): 0",
    "batch_size ($3): 5",
    "condition ($4): <NULL>",
    COMMAND,
]
CATEGORY_NOTICES = [
    "» get_category_messages",
    "category ($1): account",
    "position ($2): 1",
    "batch_size ($3): 5",
    "correlation ($4): <NULL>",
    "consumer_group_member ($5): <NULL>",
    "consumer_group_size ($6): <NULL>",
    "condition: <NULL>",
    COMMAND,
]
LAST_NOTICES = [
    "» get_last_message",
    "stream_name ($1): account-1",
    "type ($2): <NULL>",
    COMMAND,
]
LOCK_NOTICES = [
    "» acquire_lock",
    "stream_name: account-1",
    "_category: account",
    "_category_name_hash: -2132379389342958165",
]
WRITE_NOTICES = [
    *LOCK_NOTICES,
    "» write_message",
    f"id ($1): {ID}",
    "stream_name ($2): account-1",
    "type ($3): Opened",
    'data ($4): {"a": 1}',
    "metadata ($5): {}",
    "expected_version ($6): -1",
    "_stream_version: -1",
    "_next_position: 0",
]

READS = [
    pytest.param(READ_STREAM, STREAM_NOTICES, id="get_stream_messages"),
    pytest.param(READ_CATEGORY, CATEGORY_NOTICES, id="get_category_messages"),
    pytest.param(READ_LAST, LAST_NOTICES, id="get_last_stream_message"),
]
WRITES = [
    pytest.param(LOCK, LOCK_NOTICES, id="acquire_lock"),
    pytest.param(WRITE, WRITE_NOTICES, id="write_message"),
]
SILENT = [
    "SELECT stream_version('account-1')",
    "SELECT category('account-1'), id('account-1'), cardinal_id('account-1')",
    "SELECT is_category('account-1'), hash_64('account-1'), message_store_version()",
]


def without_command(notices: list[str]) -> list[str]:
    """The notices, the generated command reduced to its label: its text is each store's own."""
    return [COMMAND if notice.startswith(COMMAND) else notice for notice in notices]


@pytest.mark.parametrize(("statement", "expected"), [*READS, *WRITES])
def test_debug_makes_every_function_send_them(
    db: psycopg.Connection, notices: list[str], statement: str, expected: list[str]
):
    db.execute("SET message_store.debug TO on")
    db.execute(statement)
    assert without_command(notices) == expected


@pytest.mark.parametrize(("statement", "expected"), READS)
def test_debug_get_makes_the_readers_send_them(
    db: psycopg.Connection, notices: list[str], statement: str, expected: list[str]
):
    db.execute("SET message_store.debug_get TO on")
    db.execute(statement)
    assert without_command(notices) == expected


@pytest.mark.parametrize(("statement", "expected"), WRITES)
def test_debug_write_makes_the_writers_send_them(
    db: psycopg.Connection, notices: list[str], statement: str, expected: list[str]
):
    db.execute("SET message_store.debug_write TO on")
    db.execute(statement)
    assert without_command(notices) == expected


@pytest.mark.parametrize("statement", [LOCK, WRITE])
def test_debug_get_does_not_concern_writers(
    db: psycopg.Connection, notices: list[str], statement: str
):
    db.execute("SET message_store.debug_get TO on")
    db.execute(statement)
    assert notices == []


@pytest.mark.parametrize("statement", [READ_STREAM, READ_CATEGORY, READ_LAST])
def test_debug_write_does_not_concern_readers(
    db: psycopg.Connection, notices: list[str], statement: str
):
    db.execute("SET message_store.debug_write TO on")
    db.execute(statement)
    assert notices == []


@pytest.mark.parametrize("statement", [READ_STREAM, READ_CATEGORY, READ_LAST, LOCK, WRITE])
def test_there_are_none_by_default(db: psycopg.Connection, notices: list[str], statement: str):
    db.execute(statement)
    assert notices == []


@pytest.mark.parametrize("setting", ["debug", "debug_get", "debug_write"])
@pytest.mark.parametrize("statement", [READ_STREAM, READ_CATEGORY, READ_LAST, LOCK, WRITE])
def test_there_are_none_when_the_setting_is_off(
    db: psycopg.Connection, notices: list[str], setting: str, statement: str
):
    db.execute(f"SET message_store.{setting} TO on")
    db.execute(f"SET message_store.{setting} TO off")
    db.execute(statement)
    assert notices == []


@pytest.mark.parametrize("statement", SILENT)
def test_the_other_functions_send_none(db: psycopg.Connection, notices: list[str], statement: str):
    db.execute("SET message_store.debug TO on")
    db.execute(statement)
    assert notices == []


def test_arguments_are_shown_as_given(db: psycopg.Connection, notices: list[str]):
    db.execute("SET message_store.debug_get TO on")
    db.execute("SET message_store.sql_condition TO on")
    db.execute(
        "SELECT * FROM get_category_messages('account', 7, -1, 'order', 0, 2, 'position = 1')"
    )
    assert without_command(notices) == [
        "» get_category_messages",
        "category ($1): account",
        "position ($2): 7",
        "batch_size ($3): -1",
        "correlation ($4): order",
        "consumer_group_member ($5): 0",
        "consumer_group_size ($6): 2",
        "condition: position = 1",
        COMMAND,
    ]


@pytest.mark.parametrize(
    ("statement", "position"),
    [
        ("SELECT * FROM get_stream_messages('account-1', NULL, NULL)", 0),
        ("SELECT * FROM get_category_messages('account', NULL, NULL)", 1),
    ],
)
def test_a_default_is_shown_where_null_was_given(
    db: psycopg.Connection, notices: list[str], statement: str, position: int
):
    db.execute("SET message_store.debug_get TO on")
    db.execute(statement)
    assert notices[2:4] == [f"position ($2): {position}", "batch_size ($3): 1000"]


def test_the_type_of_a_last_message_is_shown(db: psycopg.Connection, notices: list[str]):
    db.execute("SET message_store.debug_get TO on")
    db.execute("SELECT * FROM get_last_stream_message('account-1', 'Opened')")
    assert notices[1:3] == ["stream_name ($1): account-1", "type ($2): Opened"]


def test_the_condition_of_a_stream_is_shown(db: psycopg.Connection, notices: list[str]):
    db.execute("SET message_store.debug_get TO on")
    db.execute("SET message_store.sql_condition TO on")
    db.execute("SELECT * FROM get_stream_messages('account-1', condition => 'position = 1')")
    assert notices[4] == "condition ($4): position = 1"


def test_a_write_without_expectation_shows_null(db: psycopg.Connection, notices: list[str]):
    write(db, "account-1")
    db.execute("SET message_store.debug_write TO on")
    write(db, "account-1", metadata=None)
    assert notices[-4:] == [
        "metadata ($5): <NULL>",
        "expected_version ($6): <NULL>",
        "_stream_version: 0",
        "_next_position: 1",
    ]


def test_a_refused_write_shows_only_its_lock(db: psycopg.Connection, notices: list[str]):
    db.execute("SET message_store.debug_write TO on")
    refused(db, "SELECT write_message(%s, 'account-1', 'Opened', '{}', NULL, 5)", ID)
    assert notices == LOCK_NOTICES


def test_a_refused_read_shows_nothing(db: psycopg.Connection, notices: list[str]):
    db.execute("SET message_store.debug_get TO on")
    refused(db, "SELECT * FROM get_stream_messages('account')")
    refused(db, "SELECT * FROM get_category_messages('account-1')")
    assert notices == []


def test_they_are_notices(db: psycopg.Connection):
    severities: list[str] = []
    db.add_notice_handler(lambda notice: severities.append(f"{notice.severity_nonlocalized}"))
    db.execute("SET message_store.debug TO on")
    db.execute(LOCK)
    assert severities == ["NOTICE"] * 4


def test_results_are_the_same_with_them(db: psycopg.Connection):
    db.execute("SET message_store.debug TO on")
    assert write(db, "account-1") == 0
    assert column(db, "SELECT position FROM get_stream_messages('account-1')") == [0]
