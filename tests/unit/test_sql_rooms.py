"""Where the store's SQL is, whom each object is for, and how statements get their text."""

from __future__ import annotations

import re
from importlib import resources

import pytest

from coldstream.sql import query
from coldstream.sql.objects import AUDIENCES, BLOCKS, KINDS, STATEMENTS, Object, functions, objects
from coldstream.sql.queries import call

FOLDERS = {
    "archive",
    "chunks",
    "consumers",
    "copy",
    "frontier",
    "install",
    "message_db",
    "read",
    "serve",
    "write",
}


def test_every_file_is_in_a_topic_and_makes_one_object() -> None:
    # A file that a branch of old left in another folder is found here.
    assert {each.room for each in objects()} == FOLDERS
    for each in objects():
        assert each.text.count("CREATE OR REPLACE ") == (each.kind in ("function", "view"))
    names = [(each.kind, each.name) for each in objects()]
    assert len(names) == len(set(names))


def test_both_engines_have_what_somebody_may_call() -> None:
    for audience in ("message_db", "application", "owner"):
        names = [each.name for each in functions(audience)]
        plain = {each.name: each for each in functions(audience, engine="postgres")}
        assert sorted(names) == sorted(plain)
    assert "check_tiers()" in plain["drop_chunks_older_than"].text
    assert plain["set_notify"].text == next(e for e in functions() if e.name == "set_notify").text
    # What stands in the place of another says the same of whom it is for.
    files = {each.name: each for each in objects()}
    own = [each for each in objects("postgres") if each.room == "postgres"]
    assert own
    assert [each.audience for each in own] == [files[each.name].audience for each in own]


def test_an_ordinary_table_asks_nothing_of_timescaledb() -> None:
    needs = [each.path for each in objects("postgres") if "_timescaledb_" in each.text]
    assert needs == []
    assert not any("@rows_hidden@" in each.text for each in (*objects(), *objects("postgres")))


@pytest.mark.parametrize("each", objects(), ids=lambda each: each.path)
def test_every_first_line_names_an_audience(each: Object) -> None:
    assert each.audience in AUDIENCES
    # What the owner calls by hand is about chunks, the archive server, whether writes notify
    # consumers, or a reset.
    assert (each.audience == "owner") <= (
        each.room in ("chunks", "consumers", "serve") or each.name == "reset_store"
    )


def test_a_file_without_one_is_refused() -> None:
    for text in ("-- A comment.\n", "-- audience: everybody\n", ""):
        with pytest.raises(ValueError, match=r"read/f\.sql"):
            _ = Object("read", "f", text).audience


def test_an_install_makes_what_others_are_made_of_first() -> None:
    kinds = [KINDS.index(each.kind) for each in objects()]
    assert kinds == sorted(kinds)
    assert objects()[-1].path == "install/role.sql"


def test_a_definer_function_is_for_the_role() -> None:
    """One that nobody but the owner may call needs no rights but the caller's; a trigger does."""
    for each in functions("owner", "internal"):
        if "SECURITY DEFINER" in each.text:
            assert "RETURNS trigger" in each.text or each.name in {
                "create_chunks_ahead",
                "make_chunk_at",
            }, each.path


def test_a_call_is_made_from_the_arguments_of_its_function() -> None:
    made = "CREATE OR REPLACE FUNCTION @extschema@.f({})\nRETURNS {}\nLANGUAGE sql AS $$ $$;"
    assert call("f", made.format("", "bigint")) == "SELECT @extschema@.f()\n"
    two = "a text, b numeric(5, 2) DEFAULT g(1, 2), OUT c text"
    assert call("f", made.format(two, "record")) == "SELECT @extschema@.f(%s, %s)\n"
    assert call("f", made.format("INOUT a text", "text")) == "SELECT @extschema@.f(%s)\n"
    assert call("f", made.format("a text", "SETOF text")) == "SELECT * FROM @extschema@.f(%s)\n"
    procedure = "CREATE OR REPLACE PROCEDURE @extschema@.f(a text)\nLANGUAGE sql AS $$ $$;"
    assert call("f", procedure) == "CALL @extschema@.f(%s)\n"


def test_a_statement_that_is_a_call_stands_nowhere() -> None:
    written = "\n".join(
        entry.read_text("utf-8")
        for entry in resources.files("coldstream.sql").joinpath(STATEMENTS).iterdir()
    )
    assert "-- name: write_message\n" in written
    for each in functions():
        assert f"-- name: {each.name}\n{call(each.name, each.text)}" not in written
    assert query("frontier", "m") == "SELECT m.frontier()\n"
    with pytest.raises(KeyError):
        query("no_such_statement", "m")


def test_what_functions_share_is_a_block_that_several_include() -> None:
    texts = [
        entry.read_text("utf-8")
        for room in resources.files("coldstream.sql").iterdir()
        if room.is_dir()
        for entry in room.iterdir()
        if entry.name.endswith(".sql")  # Python compiles what is beside them.
    ]
    blocks = {
        entry.name.removesuffix(".sql")
        for entry in resources.files("coldstream.sql").joinpath(BLOCKS).iterdir()
    }
    for block in blocks:
        assert sum(text.count(f"@include {block}@") for text in texts) > 1, block
    assert not any("@include" in each.text for each in objects())
    for text in texts:
        assert set(re.findall(r"@include (\w+)@", text)) <= blocks
