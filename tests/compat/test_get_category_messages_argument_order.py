"""Which of several wrong arguments get_category_messages reports: the first in this order."""

import psycopg
import pytest

from .statements import refused

CALL = """
    SELECT * FROM get_category_messages(
      %s,
      correlation => %s,
      consumer_group_member => %s,
      consumer_group_size => %s,
      condition => 'no_such_column = 1',
      batch_size => -2
    )
"""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(("account-1", "order-1", 1, None), "Must be a category: account-1", id="name"),
        pytest.param(
            ("account", "order-1", 1, None),
            "Correlation must be a category (Correlation: order-1)",
            id="correlation",
        ),
        pytest.param(
            ("account", "order", -1, None),
            "Consumer group member and size must be specified "
            "(Consumer Group Member: -1, Consumer Group Size: <NULL>)",
            id="member without size",
        ),
        pytest.param(
            ("account", "order", -1, 0),
            "Consumer group size must not be less than 1 "
            "(Consumer Group Member: -1, Consumer Group Size: 0)",
            id="size",
        ),
        pytest.param(
            ("account", "order", 2, 1),
            "Consumer group member must be less than the group size "
            "(Consumer Group Member: 2, Consumer Group Size: 1)",
            id="member",
        ),
        pytest.param(
            ("account", "order", 0, 1),
            "Retrieval with SQL condition is not activated",
            id="condition",
        ),
    ],
)
def test_the_first_is_reported(db: psycopg.Connection, arguments: tuple[object], message: str):
    assert refused(db, CALL, *arguments) == ("P0001", message)


def test_a_wrong_condition_is_reported_before_the_batch_size(db: psycopg.Connection):
    db.execute("SET message_store.sql_condition TO on")
    error = refused(db, CALL, "account", None, None, None)
    assert error == ("42703", 'column "no_such_column" does not exist')
