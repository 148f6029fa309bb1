"""The states of a chunk, in order, and what each verb takes.

::

    open -> closed -> compressed -> sealed -> exporting -> exported -> verified -> dropped
                                                                                   |    ^
                                                                                   v    |
                                                                                rehydrated

The transitions are functions of the database (``sql/archive`` and ``sql/chunks``), one each: they
check the state they start from and hold the locks they need, whoever calls them.
"""

from __future__ import annotations

from typing import Final

OPEN: Final = "open"
CLOSED: Final = "closed"
COMPRESSED: Final = "compressed"
SEALED: Final = "sealed"
EXPORTING: Final = "exporting"
EXPORTED: Final = "exported"
VERIFIED: Final = "verified"
DROPPED: Final = "dropped"
REHYDRATED: Final = "rehydrated"

COMPRESSIBLE: Final = frozenset({OPEN, CLOSED, COMPRESSED})
EXPORTABLE: Final = frozenset({OPEN, CLOSED, COMPRESSED, SEALED, EXPORTING})
EXPORTED_ALREADY: Final = frozenset({EXPORTED, VERIFIED})
DROPPABLE: Final = frozenset({VERIFIED, REHYDRATED})
