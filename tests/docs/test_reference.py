"""The reference pages say what is there, all of it, and nothing else."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest
from tests.docs.pages import ROOT
from tests.fix_store import InstalledStore

import coldstream
import sql_reference
from coldstream import Message, Store, errors
from coldstream.archive.format.rows import COLUMNS, SCHEMA
from coldstream.archive.manifest.manifest import ArchiveFile, Manifest
from coldstream.consumers import Consumer, ConsumerFailure, ConsumerMember, Consumers, Context
from coldstream.lifecycle import Lifecycle
from coldstream.sql.objects import Object, functions


def page(name: str) -> str:
    return (ROOT / "docs" / "reference" / f"{name}.md").read_text()


def rows(text: str, columns: int) -> list[list[str]]:
    """The rows of the page's tables with so many columns, without their heads."""
    found = []
    for line in text.splitlines():
        if line.startswith("|"):
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            if len(cells) == columns and not set(cells[0]) <= set("-"):
                found.append(cells)
    return found


def codes(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


def test_sql_is_current(capsys: pytest.CaptureFixture[str]):
    assert sql_reference.main(["--check"]) == 0, capsys.readouterr().out


def test_sql_that_is_not_current_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    path = tmp_path / "sql.md"
    assert sql_reference.main([], page=path) == 0
    assert sql_reference.main(["--check"], page=path) == 0
    path.write_text(path.read_text().replace("### get_chunks\n", ""))
    assert sql_reference.main(["--check"], page=path) == 1
    assert "+### get_chunks" in capsys.readouterr().out


@pytest.mark.parametrize(
    "text", ["CREATE OR REPLACE FUNCTION @extschema@.f()\nLANGUAGE", "-- A.\n"]
)
def test_sql_that_is_not_documented_fails(text: str):
    with pytest.raises(sql_reference.NotDocumented, match=r"read/f\.sql"):
        sql_reference.entry(Object("read", "f", f"-- audience: part\n{text}"))


def test_errors_are_the_errors():
    documented = {cells[0]: codes(cells[1]) for cells in rows(page("errors"), 4)[1:]}
    there = {
        f"`{name}`": [parent.__name__ for parent in kind.__bases__]
        for name, kind in vars(errors).items()
        if isinstance(kind, type) and issubclass(kind, errors.ColdstreamError)
    }
    assert documented == there


def test_the_glossary_has_every_state_of_a_chunk():
    from coldstream.lifecycle import states

    there = {
        value for name, value in vars(states).items() if isinstance(value, str) and name.isupper()
    }
    (line,) = (cells[1] for cells in rows(page("glossary"), 2) if cells[0] == "state")
    assert set(codes(line)) == there


def test_states_are_the_states():
    from coldstream.client.errors import _BY_STATE

    documented = {codes(cells[0])[0]: codes(cells[1]) for cells in rows(page("errors"), 3)[1:]}
    raised = set()
    for each in (*functions(), *functions(engine="postgres")):
        raised |= set(re.findall(r"ERRCODE = '(CS\d+)'", each.text))
    assert documented.keys() == raised
    mapped = {state: [kind.__name__] for state, kind in _BY_STATE.items() if state in raised}
    assert {state: names for state, names in documented.items() if names} == mapped


def test_python_names_are_the_public_ones():
    text = page("python")
    public = set(coldstream.__all__) - {name for name in dir(errors) if name[0].isupper()}
    assert {name for name in public if not re.search(rf"\b{name}\b", text)} == set()


MEMBERS = {
    "Store": Store,
    "Lifecycle": Lifecycle,
    "Message": Message,
    "Consumer": Consumer,
    "Consumers": Consumers,
    "Context": Context,
    "ConsumerMember": ConsumerMember,
    "ConsumerFailure": ConsumerFailure,
}


@pytest.mark.parametrize("kind", MEMBERS)
def test_python_members_are_the_public_ones(kind: str):
    members = MEMBERS[kind]
    names = {n for n in dir(members) if not n.startswith("_")}
    names |= set(getattr(members, "__dataclass_fields__", {}))
    text = page("python")
    assert {name for name in names if not re.search(rf"\b{name}\b", text)} == set()


def test_manifest_fields_are_the_manifests():
    table = [cells for cells in rows(page("archive-format"), 2) if cells[0] != "field"]
    documented = [name for cells in table for name in codes(cells[0])]
    named = [field.name for kind in (Manifest, ArchiveFile) for field in fields(kind)]
    assert documented == ["format_version", *named]


def test_parquet_columns_are_the_archives():
    table = [cells for cells in rows(page("archive-format"), 4) if cells[0] != "column"]
    assert [codes(cells[0])[0] for cells in table] == list(COLUMNS)
    assert [cells[2] == "yes" for cells in table] == [field.nullable for field in SCHEMA]


def test_store_settings_are_the_columns(fresh_store: InstalledStore):
    columns = {
        name
        for (name,) in fresh_store.run(
            "SELECT attname::text FROM pg_attribute WHERE attrelid = 'store'::regclass "
            "AND attnum > 0 AND NOT attisdropped"
        )
    }
    _, _, section = page("settings").partition("## Of a store\n")
    section, _, _ = section.partition("## Environment")
    documented = {codes(cells[0])[0] for cells in rows(section, 3) if codes(cells[0])}
    _, _, internal = section.partition("not for editing:")
    assert documented | set(codes(internal)) == columns


def test_session_settings_are_the_ones_sql_reads():
    read = {
        name for each in functions() for name in re.findall(r"'(message_store\.\w+)'", each.text)
    }
    documented = {code for code in codes(page("settings")) if code.startswith("message_store.")}
    assert read
    assert documented == read


def test_environment_variables_are_the_ones_that_are_read():
    read = set()
    for path in (ROOT / "src").rglob("*.py"):
        read |= set(re.findall(r"environ(?:\.get\(|\[)\"(COLDSTREAM_\w+)\"", path.read_text()))
    assert read
    assert {name for name in read if f"`{name}`" not in page("settings")} == set()
