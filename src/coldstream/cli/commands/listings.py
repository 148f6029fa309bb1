"""What the store has, by name: streams and categories."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from cyclopts import Parameter
from cyclopts.validators import Number

from coldstream.cli.app import STORE, app
from coldstream.cli.options import Database, Json

Prefix: TypeAlias = Annotated[
    str, Parameter(metavar="TEXT", show_default=False, help="Only names that begin with this.")
]
After: TypeAlias = Annotated[
    str,
    Parameter(metavar="NAME", show_default=False, help="Only names after this one: the next page."),
]
Most: TypeAlias = Annotated[
    int, Parameter(metavar="N", validator=Number(gte=1), help="At most this many.")
]


@app.command(group=STORE)
def streams(
    *,
    database: Database,
    prefix: Prefix = "",
    limit: Most = 100,
    after: After = "",
    json: Json = False,
) -> None:
    """List streams by name: messages, first and last activity, the tiers of that time, and about
    what they take.

    It asks heads and ledger and reads no message, so it costs the same whatever they hold. Sizes
    are estimates: as if a stream had been written to evenly, with messages like all of their time.
    """
    from coldstream.cli.options import opened
    from coldstream.cli.views.listings import STREAMS, show_listing

    with opened(database) as store:
        # One more says whether there are more.
        found = store.get_streams(prefix, limit + 1, after)
    show_listing("Streams", STREAMS, found, limit, json=json)


@app.command(group=STORE)
def categories(
    *,
    database: Database,
    prefix: Prefix = "",
    limit: Most = 100,
    after: After = "",
    json: Json = False,
) -> None:
    """List categories by name: streams, messages, activity, and what is in which tier.

    It asks heads and ledger and reads no message. Sizes are a category's share of its chunks.
    """
    from coldstream.cli.options import opened
    from coldstream.cli.views.listings import CATEGORIES, show_listing

    with opened(database) as store:
        found = store.get_categories(prefix, limit + 1, after)
    show_listing("Categories", CATEGORIES, found, limit, json=json)
