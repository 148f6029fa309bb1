"""The functions that take a stream name apart."""

import psycopg
import pytest

from .statements import hash_of, value

# stream name, category, id, cardinal id, is it a category?
NAMES = [
    pytest.param("account", "account", None, None, True, id="no dash"),
    pytest.param("account-123", "account", "123", "123", False, id="one dash"),
    pytest.param("account-1-2-3", "account", "1-2-3", "1-2-3", False, id="several dashes"),
    pytest.param("account--1", "account", "-1", "-1", False, id="two dashes in a row"),
    pytest.param("account-1+2", "account", "1+2", "1", False, id="compound id of two"),
    pytest.param("account-1+2+3", "account", "1+2+3", "1", False, id="compound id of three"),
    pytest.param("account-1-2+3-4", "account", "1-2+3-4", "1-2", False, id="dashes and plus"),
    pytest.param("account-+2", "account", "+2", "", False, id="compound id, first part empty"),
    pytest.param("account-1+", "account", "1+", "1", False, id="compound id, last part empty"),
    pytest.param("account+a-1", "account+a", "1", "1", False, id="plus in the category"),
    pytest.param("account+a", "account+a", None, None, True, id="plus without a dash"),
    pytest.param("account:command-1", "account:command", "1", "1", False, id="category type"),
    pytest.param("account:a+b-1+2", "account:a+b", "1+2", "1", False, id="compound type and id"),
    pytest.param("account-", "account", "", "", False, id="dash at the end"),
    pytest.param("-1", "", "1", "1", False, id="dash at the start"),
    pytest.param("-", "", "", "", False, id="only a dash"),
    pytest.param("", "", None, None, True, id="empty"),
    pytest.param(" a b - 1 ", " a b ", " 1 ", " 1 ", False, id="spaces"),
    pytest.param("Größe-ü+ö", "Größe", "ü+ö", "ü", False, id="unicode"),
    pytest.param("😀-😀😀+1", "😀", "😀😀+1", "😀😀", False, id="outside the BMP"),
    pytest.param("a–1", "a–1", None, None, True, id="en dash is no dash"),  # noqa: RUF001
    pytest.param(None, None, None, None, True, id="NULL"),
]


@pytest.mark.parametrize(("name", "category", "id", "cardinal_id", "is_category"), NAMES)
class TestNames:
    def test_category(self, db, name, category, id, cardinal_id, is_category):
        assert value(db, "SELECT category(%s)", name) == category

    def test_id(self, db, name, category, id, cardinal_id, is_category):
        assert value(db, "SELECT id(%s)", name) == id

    def test_cardinal_id(self, db, name, category, id, cardinal_id, is_category):
        assert value(db, "SELECT cardinal_id(%s)", name) == cardinal_id

    def test_is_category(self, db, name, category, id, cardinal_id, is_category):
        assert value(db, "SELECT is_category(%s)", name) is is_category


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", -3162216497309240828),
        ("x", -7073778008782503884),
        ("x-1", 7372499327300291156),
        ("account", -2132379389342958165),
        ("123", 2318431741638412123),
        ("é", 7412306613632936882),
        ("😀", 3027240025427372656),
        (None, None),
    ],
)
def test_hash_64_is_the_first_half_of_the_md5_as_a_signed_integer(
    db: psycopg.Connection, text: str | None, expected: int | None
):
    assert value(db, "SELECT hash_64(%s)", text) == expected
    assert text is None or hash_of(text) == expected


def test_the_name_functions_may_stand_in_an_index(db: psycopg.Connection):
    with db.transaction(force_rollback=True):
        db.execute("CREATE TEMP TABLE names (name varchar)")
        db.execute(
            "CREATE INDEX ON names (category(name), id(name), cardinal_id(name), "
            "is_category(name), hash_64(name))"
        )
        db.execute("INSERT INTO names VALUES ('account-1+2')")
        assert value(db, "SELECT name FROM names WHERE category(name) = 'account'") == "account-1+2"
