"""A session with the store that is copied into, whatever its engine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from coldstream.client._sync import Client
from coldstream.client._sync.statements import connections_of
from coldstream.lifecycle.session import Session, looking, working


@contextmanager
def at_work(store: Client) -> Iterator[Session]:
    """The lifecycle's, which compresses chunks meanwhile; an ordinary table has none."""
    if is_table(store):
        with plain(store) as session:
            yield session
    else:
        with working(store) as session:
            yield session


@contextmanager
def at_look(store: Client) -> Iterator[Session]:
    """One that changes nothing."""
    if is_table(store):
        with plain(store) as session:
            yield session
    else:
        with looking(store) as session:
            yield session


def is_table(store: Client) -> bool:
    with plain(store) as session:
        return bool(session.one("engine")[0] == "postgres")


@contextmanager
def plain(store: Client) -> Iterator[Session]:
    """One that is nothing else."""
    with connections_of(store).connection() as connection:
        session = Session(connection, store.schema)
        session.rows("check_functions")
        session.rows("check_whole")
        yield session
