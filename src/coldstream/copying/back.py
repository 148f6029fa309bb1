"""The way back: what is written to the store is brought to the Message DB that it was copied from.

How far that is, the Message DB says itself: it has everything up to its last message."""

from __future__ import annotations

import time
from collections.abc import Iterator

from psycopg import sql

from coldstream.client.errors import mapped
from coldstream.copying.results import Copied, OnProgress, Switched, Verified
from coldstream.copying.source import Source
from coldstream.copying.switch import SMALL, equal
from coldstream.copying.verify import verify
from coldstream.errors import LifecycleError, SetupError
from coldstream.lifecycle.session import Session, patiently
from coldstream.sql import query

_ROWS = 5_000
_ROUNDS = 20


class Return:
    """Brings messages back, a step a transaction of the Message DB."""

    def __init__(self, source: Source, session: Session, copied: Copied) -> None:
        self._source = source
        self._session = session
        self._copied = copied
        self._first = copied.opened_after or copied.last_global_position
        self.last = source.last()

    def check(self) -> None:
        """
        Raises:
            LifecycleError: there is no way back, or none any more.
            SetupError: no right to write to the source.
        """
        if not self._source.is_moved():
            raise LifecycleError(
                f"{self._source.name} takes writes: it was not switched to this store",
                hint="Messages that are written on both sides cannot be brought together.",
            )
        if self._source.rows("source_rights", [self._source.oid])[0][3] is not True:
            raise SetupError(
                f"No right to write to {self._source.name}",
                hint="Connect to the source as the owner of its table messages.",
            )
        [left] = self._session.one("last_in_database", [self.last])
        if left:
            raise LifecycleError(
                f"{left} chunks with messages after global position {self.last} have left the "
                "database",
                hint="Bring them back first: coldstream rehydrate.",
            )

    def bring(self, progress: OnProgress) -> int:
        """Bring all that is behind the store's frontier; gives how many messages."""
        [frontier] = self._session.one("frontier")
        brought = 0
        while self.last < frontier:
            given = {"after": self.last, "last": frontier, "rows": _ROWS}
            _, bound = self._session.one("returning_bound", given)
            if bound is None:
                break
            brought += self._source.take_back(self._blocks(bound), bound)
            self.last = bound
            progress("back", brought, None)
        return brought

    def switch(self, progress: OnProgress) -> Switched:
        """Refuse writes in the store, bring the rest, and let the Message DB take writes again.

        Raises:
            LifecycleError: the two sides differ; the store takes writes again.
        """
        compared = self._first
        for _ in range(_ROUNDS):
            self.bring(progress)
            if self.last - compared <= SMALL:
                break
            equal(self._verified(progress, compared))
            compared = self.last
        began = time.monotonic()
        patiently(self._session, "keep_writers_out", [])
        try:
            self.bring(progress)
            verified = equal(self._verified(progress, compared))
        except BaseException:
            self._session.rows("let_writers_in")
            raise
        closed = Copied(*self._session.one("close_copied", [self.last]))
        self._source.allow_writes()
        return Switched(closed, verified, time.monotonic() - began)

    def _verified(self, progress: OnProgress, after: int) -> Verified:
        return verify(
            self._source, self._session, self._copied, progress, after=after, last=self.last
        )

    def _blocks(self, bound: int) -> Iterator[bytes]:
        """Messages in PostgreSQL's binary form, as they come."""
        statement = sql.SQL(query("returning_rows", self._session.schema)).format(
            after=sql.Literal(self.last), last=sql.Literal(bound)
        )
        with (
            mapped(self._session.schema),
            self._session.connection.cursor() as cursor,
            cursor.copy(statement) as rows,
        ):
            while block := rows.read():
                yield bytes(block)
