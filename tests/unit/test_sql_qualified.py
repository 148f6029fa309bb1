"""Nothing in the store's SQL follows the search path of whoever runs it.

A function sets its path, or every name in it is qualified: tables, functions, operators, types and
collations. What happens otherwise is in tests/migration/test_hostile_path.py.
"""

from __future__ import annotations

import pytest
from tests.sql_names import names_by_path

from coldstream.migrations import plan_sql
from coldstream.sql import Names
from coldstream.sql.objects import functions

FUNCTIONS = {each.name: each.text for each in functions()}


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_no_name_in_a_function_follows_the_path(name: str) -> None:
    assert names_by_path(FUNCTIONS[name]) == []


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("_x uuid; BEGIN NULL;", "type uuid"),
        ("_x text[]; BEGIN NULL;", "type text"),
        ("_x record; BEGIN NULL;", "type record"),
        ("BEGIN PERFORM $1::uuid;", "type uuid"),
        ("BEGIN PERFORM md5($1);", "function md5"),
        ("BEGIN PERFORM 1 FROM messages;", "table messages"),
        ("BEGIN IF $1 = '' THEN NULL; END IF;", "operator ="),
        ("BEGIN IF $1 IN ('') THEN NULL; END IF;", "operator IN"),
        ("BEGIN IF $1 LIKE '' THEN NULL; END IF;", "operator LIKE"),
        ("BEGIN IF $1 IS DISTINCT FROM '' THEN NULL; END IF;", "operator IS DISTINCT FROM"),
        ("BEGIN PERFORM nullif($1, '');", "operator NULLIF"),
        ("BEGIN PERFORM CASE $1 WHEN '' THEN 1 END;", "operator = (CASE)"),
        ("BEGIN CASE $1 WHEN '' THEN NULL; END CASE;", "operator = (CASE)"),
        ("BEGIN PERFORM 1 FROM a.b JOIN a.c USING (d);", "operator = (USING)"),
        ("BEGIN PERFORM $1 IN (SELECT a.b FROM a.b);", "operator IN (SELECT"),
        ('BEGIN PERFORM 1 ORDER BY $1 COLLATE "C";', "collation C"),
        ("BEGIN $1 := $1 || '';", "operator ||"),
    ],
)
def test_what_follows_the_path_is_found(body: str, found: str) -> None:
    text = (
        "CREATE FUNCTION a.f(x varchar) RETURNS void LANGUAGE plpgsql AS $$\n"
        f"{'DECLARE ' if body.startswith('_') else ''}{body} END $$"
    )
    assert found in names_by_path(text)
    with_path = text.replace("AS $$", "SET search_path = pg_catalog, pg_temp\nAS $$")
    assert names_by_path(with_path) == []


def test_an_install_sets_its_path_before_it_makes_anything() -> None:
    # Columns, defaults, views and the functions' own types are bound when they are made.
    statements = list(plan_sql(Names()))
    path = statements.index("SET LOCAL search_path = pg_catalog, pg_temp;\n")
    assert not any("@extschema" in each or "message_store" in each for each in statements[:path])
