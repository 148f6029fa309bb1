"""Heads are found by a hash of the stream's name: two names that share one never share a head."""

from __future__ import annotations

from hashlib import md5

import psycopg
import pytest
from tests.fix_store import InstalledStore

# Known to collide: https://www.johndcook.com/blog/2024/03/20/md5-hash-collision/
ONE = "TEXTCOLLBYfGiJUETHQ4hAcKSMd5zYpgqf1YRDhkmxHkhPWptrkoyz28wnI9V0aHeAuaKnak"
OTHER = ONE.replace("4hA", "4hE")

WRITES = {
    "any version": "SELECT write_message(gen_random_uuid()::varchar, %(name)s, 'T', '{}')",
    "no stream": "SELECT write_message(gen_random_uuid()::varchar, %(name)s, 'T', '{}', NULL, -1)",
    "a version": "SELECT write_message(gen_random_uuid()::varchar, %(name)s, 'T', '{}', NULL, 0)",
    "many": "SELECT write_messages(ARRAY[gen_random_uuid()::varchar], ARRAY[%(name)s::varchar], "
    "ARRAY['T'::varchar], ARRAY['{}'::jsonb])",
    "plain insert": "INSERT INTO messages (stream_name, position, type) VALUES (%(name)s, 0, 'T')",
}


@pytest.mark.parametrize("write", WRITES.values(), ids=list(WRITES))
def test_a_name_whose_hash_is_taken_is_refused(store_schema: InstalledStore, write: str) -> None:
    assert md5(ONE.encode()).digest() == md5(OTHER.encode()).digest()
    store_schema.run(WRITES["any version"], {"name": ONE})

    with pytest.raises(psycopg.errors.UniqueViolation, match="same MD5"):
        store_schema.run(write, {"name": OTHER})

    assert store_schema.run("SELECT stream_name, position FROM streams") == [(ONE, 0)]
    assert store_schema.run("SELECT stream_name, position FROM messages") == [(ONE, 0)]


def test_a_name_whose_hash_is_taken_has_no_version(store_schema: InstalledStore) -> None:
    store_schema.run(WRITES["any version"], {"name": ONE})
    assert store_schema.run("SELECT stream_version(%s)", [OTHER]) == [(None,)]


def test_a_published_store_takes_writes(store_schema: InstalledStore) -> None:
    store_schema.run("CREATE PUBLICATION everything FOR ALL TABLES")
    try:
        for _ in range(2):
            store_schema.run(WRITES["any version"], {"name": "account-1"})
    finally:
        store_schema.run("DROP PUBLICATION everything")
    assert store_schema.run("SELECT stream_version('account-1')") == [(1,)]
