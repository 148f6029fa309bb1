"""get_category_messages for one member of a consumer group."""

import psycopg
import pytest

from .statements import column, hash_of, refused, rows, write

MEMBER = """
    SELECT stream_name
    FROM get_category_messages('account', consumer_group_member => %s, consumer_group_size => %s)
"""


@pytest.fixture
def streams(db: psycopg.Connection) -> list[str]:
    names = [f"account-{n}" for n in range(1, 31)]
    for name in names:
        write(db, name)
    return names


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_the_members_share_the_streams_out_without_overlap(
    db: psycopg.Connection, streams: list[str], size: int
):
    shares = [column(db, MEMBER, member, size) for member in range(size)]
    assert sorted(name for share in shares for name in share) == sorted(streams)


@pytest.mark.parametrize(("member", "size"), [(0, 2), (1, 2), (0, 3), (1, 3), (2, 3), (4, 7)])
def test_a_stream_belongs_to_the_hash_of_its_cardinal_id_modulo_the_size(
    db: psycopg.Connection, streams: list[str], member: int, size: int
):
    share = [name for name in streams if abs(hash_of(name[8:])) % size == member]
    assert column(db, MEMBER, member, size) == share


def test_a_group_of_three_shares_these_streams_out_like_this(
    db: psycopg.Connection, streams: list[str]
):
    ids = [[name[8:] for name in column(db, MEMBER, member, 3)] for member in range(3)]
    assert ids == [
        ["1", "4", "5", "12", "14", "15", "16", "18", "22", "23", "26", "28"],
        ["2", "8", "9", "10", "13", "17", "20", "25", "27"],
        ["3", "6", "7", "11", "19", "21", "24", "29", "30"],
    ]


def test_all_messages_of_a_stream_have_one_member(db: psycopg.Connection):
    for _ in range(3):
        write(db, "account-1")
        write(db, "account-2")
    shares = [set(column(db, MEMBER, member, 5)) for member in range(5)]
    assert sum(len(share) for share in shares) == 2


def test_a_member_reads_in_the_order_of_global_positions(db: psycopg.Connection):
    for _ in range(4):
        for n in range(8):
            write(db, f"account-{n}")
    read = column(
        db,
        "SELECT global_position FROM get_category_messages("
        "'account', consumer_group_member => 1, consumer_group_size => 2)",
    )
    assert len(read) >= 4
    assert read == sorted(read)


def test_streams_with_one_cardinal_id_have_one_member(db: psycopg.Connection):
    names = ["account-1", "account-1+2", "account-1+3+4", "account-1+"]
    for name in names:
        write(db, name)
    shares = [column(db, MEMBER, member, 4) for member in range(4)]
    assert sorted(share for share in shares if share) == [names]


def test_dashes_in_an_id_are_part_of_the_cardinal_id(db: psycopg.Connection):
    write(db, "account-1-2")
    member = abs(hash_of("1-2")) % 1000
    assert column(db, MEMBER, member, 1000) == ["account-1-2"]


def test_an_empty_id_has_a_member(db: psycopg.Connection):
    write(db, "account-")
    member = abs(hash_of("")) % 1000
    assert column(db, MEMBER, member, 1000) == ["account-"]


@pytest.mark.parametrize("size", [1, 2])
def test_the_stream_named_as_the_category_has_no_member(db: psycopg.Connection, size: int):
    write(db, "account")
    assert [column(db, MEMBER, member, size) for member in range(size)] == [[]] * size


def test_the_same_id_has_the_same_member_in_every_category(db: psycopg.Connection):
    write(db, "account-123")
    write(db, "order-123")
    member = abs(hash_of("123")) % 1000
    for category in ("account", "order"):
        read = column(
            db,
            "SELECT stream_name FROM get_category_messages("
            "%s, consumer_group_member => %s, consumer_group_size => 1000)",
            category,
            member,
        )
        assert read == [f"{category}-123"]


def test_position_and_batch_size_count_the_messages_of_the_member(
    db: psycopg.Connection, streams: list[str]
):
    share = rows(
        db,
        "SELECT global_position, stream_name FROM get_category_messages("
        "'account', consumer_group_member => 0, consumer_group_size => 3)",
    )
    page = rows(
        db,
        "SELECT global_position, stream_name FROM get_category_messages("
        "'account', %s, 2, consumer_group_member => 0, consumer_group_size => 3)",
        share[1][0],
    )
    assert page == share[1:3]


def test_batch_size_minus_one_is_the_whole_share(db: psycopg.Connection, streams: list[str]):
    read = column(
        db,
        "SELECT stream_name FROM get_category_messages("
        "'account', 1, -1, consumer_group_member => 0, consumer_group_size => 3)",
    )
    assert read == column(db, MEMBER, 0, 3)


def test_it_goes_together_with_a_correlation(db: psycopg.Connection, streams: list[str]):
    for name in streams:
        write(db, name, metadata='{"correlationStreamName": "order-1"}')
    correlated = (
        "SELECT stream_name, position FROM get_category_messages('account', "
        "correlation => 'order', consumer_group_member => %s, consumer_group_size => 3)"
    )
    for member in range(3):
        share = column(db, MEMBER, member, 3)[: len(streams)]
        expected = [(name, 1) for name in streams if name in share]
        assert rows(db, correlated, member) == expected


def test_it_goes_together_with_a_condition(db: psycopg.Connection, streams: list[str]):
    for name in streams:
        write(db, name)
    share = [name for name in streams if name in column(db, MEMBER, 1, 3)]
    db.execute("SET message_store.sql_condition TO on")
    read = rows(
        db,
        "SELECT stream_name, position FROM get_category_messages('account', "
        "consumer_group_member => 1, consumer_group_size => 3, "
        "condition => 'messages.position = 1')",
    )
    assert read == [(name, 1) for name in share]


def test_it_goes_together_with_everything(db: psycopg.Connection, streams: list[str]):
    for _ in range(2):
        for name in streams:
            write(db, name, metadata='{"correlationStreamName": "order-1"}')
    share = [name for name in streams if name in column(db, MEMBER, 2, 3)]
    db.execute("SET message_store.sql_condition TO on")
    read = rows(
        db,
        "SELECT stream_name, position FROM get_category_messages('account', 1, 2, 'order', "
        "2, 3, 'messages.position = 2')",
    )
    assert read == [(name, 2) for name in share[:2]]


@pytest.mark.parametrize(
    ("member", "size", "shown"),
    [
        (0, None, "Consumer Group Member: 0, Consumer Group Size: <NULL>"),
        (None, 1, "Consumer Group Member: <NULL>, Consumer Group Size: 1"),
        (-1, None, "Consumer Group Member: -1, Consumer Group Size: <NULL>"),
        (None, 0, "Consumer Group Member: <NULL>, Consumer Group Size: 0"),
    ],
)
def test_member_and_size_must_both_be_given(
    db: psycopg.Connection, member: int | None, size: int | None, shown: str
):
    error = refused(db, MEMBER, member, size)
    assert error == ("P0001", f"Consumer group member and size must be specified ({shown})")


@pytest.mark.parametrize(("member", "size"), [(0, 0), (0, -1), (-1, 0), (5, -5)])
def test_a_size_below_one_is_refused(db: psycopg.Connection, member: int, size: int):
    error = refused(db, MEMBER, member, size)
    assert error == (
        "P0001",
        "Consumer group size must not be less than 1 "
        f"(Consumer Group Member: {member}, Consumer Group Size: {size})",
    )


@pytest.mark.parametrize(("member", "size"), [(-1, 1), (-2, 3)])
def test_a_member_below_zero_is_refused(db: psycopg.Connection, member: int, size: int):
    error = refused(db, MEMBER, member, size)
    assert error == (
        "P0001",
        "Consumer group member must not be less than 0 "
        f"(Consumer Group Member: {member}, Consumer Group Size: {size})",
    )


@pytest.mark.parametrize(("member", "size"), [(1, 1), (3, 3), (4, 3)])
def test_a_member_that_is_not_below_the_size_is_refused(
    db: psycopg.Connection, member: int, size: int
):
    error = refused(db, MEMBER, member, size)
    assert error == (
        "P0001",
        "Consumer group member must be less than the group size "
        f"(Consumer Group Member: {member}, Consumer Group Size: {size})",
    )
