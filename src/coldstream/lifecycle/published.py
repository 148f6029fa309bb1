"""Results of a verb after which the archive is published."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from coldstream.lifecycle.publish import Publication

T = TypeVar("T")


class Published(list[T]):
    """The results, and in ``publication`` what became of the Iceberg table: ``None`` where there is
    no catalog, nothing to publish, or the run was dry."""

    def __init__(self, results: Iterable[T], publication: Publication | None = None) -> None:
        super().__init__(results)
        self.publication = publication
