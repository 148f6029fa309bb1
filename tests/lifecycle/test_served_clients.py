"""Real clients, as they are published, read hot, warm and archived history in SQL: in Node, Python
and psql. Packages of npm are installed for the test."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from psycopg.conninfo import conninfo_to_dict
from tests.fix_store import InstalledStore, drop_store, install_store
from tests.history import END, START, WEEK, history, insert, rows_of, without_jobs

import coldstream
from coldstream import Message
from coldstream.serve.run import Address, ServeOptions, serving
from coldstream.serve.run import Store as Served

pytestmark = pytest.mark.native

NODE = Path(__file__).with_name("clients.js")
PACKAGES = ("@doughtnerd/message-store-connector@1.10.1", "pg@8.16.3")


@pytest.fixture(scope="module")
def truth() -> list[Message]:
    return []


@pytest.fixture(scope="module")
def served(
    dsn: str, truth: list[Message], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[InstalledStore]:
    """In the schema that clients know: two weeks are rows, two in the columnstore, and two are in
    the archive alone; positions of a consumer are among these."""
    drop_store(dsn, "message_store")
    store = without_jobs(install_store(dsn, "message_store"))
    insert(store, history())
    truth += rows_of(store)
    archive = tmp_path_factory.mktemp("archive").as_uri()
    with coldstream.connect(dsn, schema=store.schema, archive=archive) as opened:
        opened.lifecycle.compress(START + 4 * WEEK)
        opened.lifecycle.archive(START + 2 * WEEK)
        opened.lifecycle.verify()
        opened.lifecycle.drop(START + 2 * WEEK)
    assert START + 2 * WEEK < END
    store.run(
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = message_store, public',"
        " current_database()); END $$"
    )
    place = Served(dsn, store.schema, archive, None)
    with serving(place, ServeOptions(listen=Address(host="127.0.0.1", port=0))) as address:
        place.register(address, sslmode="prefer", root=None, seconds=20)
        yield store
    place.unregister()
    store.run(
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I RESET search_path',"
        " current_database()); END $$"
    )
    drop_store(dsn, store.schema)


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., object]:
    """Run the Node program with arguments; what it prints is JSON."""
    npm, program = shutil.which("npm"), shutil.which("node")
    if npm is None or program is None:
        pytest.skip("not covered here: Node and npm are not installed")
    folder = tmp_path_factory.mktemp("node")
    install = [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", *PACKAGES]
    subprocess.run(install, cwd=folder, check=True, capture_output=True, timeout=300)
    shutil.copy(NODE, folder / NODE.name)

    def run(*arguments: str) -> object:
        done = subprocess.run(
            [program, NODE.name, *arguments], cwd=folder, capture_output=True, timeout=120
        )
        assert done.returncode == 0, done.stderr.decode()
        return json.loads(done.stdout)

    return run


def url(store: InstalledStore) -> str:
    """The DSN in the form that every client knows."""
    given = conninfo_to_dict(store.dsn)
    password = f":{quote(str(given['password']))}" if "password" in given else ""
    place = f"{given.get('host', '127.0.0.1')}:{given.get('port', 5432)}"
    return f"postgresql://{given['user']}{password}@{place}/{given['dbname']}"


def of(truth: list[Message], name: str) -> list[list[object]]:
    found = [m for m in truth if name in (m.stream_name, m.category)]
    key = (lambda m: m.position) if "-" in name else (lambda m: m.global_position)
    return [[m.stream_name, m.position, m.global_position] for m in sorted(found, key=key)]


@pytest.mark.parametrize("client", ["pg", "connector"])
@pytest.mark.parametrize("name", ["account-1", "account-2", "ledger-1"])
def test_node_reads_streams(
    served: InstalledStore,
    truth: list[Message],
    node: Callable[..., object],
    client: str,
    name: str,
) -> None:
    expected = of(truth, name)
    assert node(client, url(served), "stream", name) == expected
    assert node(client, url(served), "last", name) == expected[-1:]


@pytest.mark.parametrize("client", ["pg", "connector"])
def test_node_follows_a_category_from_its_start(
    served: InstalledStore, truth: list[Message], node: Callable[..., object], client: str
) -> None:
    expected = of(truth, "order")
    assert node(client, url(served), "category", "order", str(len(expected))) == expected


def test_message_db_py_reads_all_tiers(served: InstalledStore, truth: list[Message]) -> None:
    from message_db.client import MessageDB

    client = MessageDB.from_url(url(served), max_connections=1)
    try:
        for name in ("account-1", "account-2", "account", "order"):
            read = client.read_stream if "-" in name else client.read_category
            found = [[m["stream_name"], m["position"], m["global_position"]] for m in read(name)]
            assert found == of(truth, name)
        last = client.read_last_message("ledger-1")
        assert last is not None
        assert last["position"] == 1
        # A statement of the client's own over the table: what is in the database, and no error.
        some = client.read("$all")
        assert [m["global_position"] for m in some] == [
            m.global_position for m in truth if m.time >= START + 2 * WEEK
        ]
    finally:
        client.connection_pool.closeall()


def test_a_statement_over_all_tiers_for_a_client_that_reads_all_by_select(
    served: InstalledStore, truth: list[Message]
) -> None:
    """What Protean's adapter, a class of its own, may be given in place of its statement."""
    from message_db.client import MessageDB

    client = MessageDB.from_url(url(served), max_connections=1)
    statement = "SELECT * FROM get_all_messages(%(position)s::bigint, %(batch_size)s::bigint)"
    try:
        found: list[int] = []
        while page := client.read(
            "$all", sql=statement, position=found[-1] + 1 if found else 0, no_of_messages=7
        ):
            found += [m["global_position"] for m in page]
        assert found == [m.global_position for m in truth]
    finally:
        client.connection_pool.closeall()


def test_psql_reads_all_tiers(served: InstalledStore, truth: list[Message]) -> None:
    psql = shutil.which("psql")
    if psql is None:
        pytest.skip("not covered here: psql is not installed")
    query = "SELECT stream_name, position FROM get_stream_messages('account-2')"
    done = subprocess.run(
        [psql, "-XAt", "-F", " ", "-c", query, url(served)],
        capture_output=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.decode().split("\n")[:-1] == [
        f"{name} {position}" for name, position, _ in of(truth, "account-2")
    ]
