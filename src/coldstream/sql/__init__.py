"""The SQL of a store, and the names that are put into it.

Functions, views, triggers and privileges are in a folder for each topic, a file each
(:mod:`coldstream.sql.objects`); they are applied at every install. What the client and the
lifecycle ask is in ``statements`` (:mod:`coldstream.sql.queries`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, cached_property

from coldstream.errors import InvalidInput
from coldstream.sql.objects import OF_THE_ROLE, Engine, functions, views
from coldstream.sql.queries import statement

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")


@dataclass(frozen=True)
class Names:
    """The names a store is installed with: its schema, its role, its engine, and TimescaleDB's
    schema.

    Raises:
        InvalidInput: a name is not letters, digits and underscores, 63 at most. Names go into the
            text of functions, so nothing that would need quoting there is let in.
    """

    schema: str = "message_store"
    role: str | None = None
    timescaledb: str = "public"
    engine: Engine = "timescale"

    def __post_init__(self) -> None:
        for kind, name in (("schema", self.schema), ("role", self.role_name)):
            if not _NAME.fullmatch(name):
                raise InvalidInput(
                    f"Not a {kind} name: {name!r}",
                    hint="Letters, digits and underscores, 63 at most, not starting with a digit.",
                )

    @staticmethod
    def is_one(name: str) -> bool:
        """Whether a schema may have this name."""
        return _NAME.fullmatch(name) is not None

    @property
    def role_name(self) -> str:
        return self.role or self.schema

    @property
    def inserter_name(self) -> str:
        """The role that may insert into messages; the application's roles are members of it."""
        return f"{self.schema[:56]}_insert"

    def render(self, sql: str) -> str:
        """Put the names into a file's text."""
        values = self._values
        return re.sub("|".join(map(re.escape, values)), lambda match: values[match[0]], sql)

    @cached_property
    def _values(self) -> dict[str, str]:
        return {
            "@extschema:timescaledb@": _quote(self.timescaledb),
            "@extschema@": _quote(self.schema),
            "@extschema_name@": self.schema,
            "@role@": _quote(self.role_name),
            "@role_name@": self.role_name,
            "@inserter@": _quote(self.inserter_name),
            "@inserter_name@": self.inserter_name,
            "@functions@": ",".join(
                each.name for each in functions(*OF_THE_ROLE, engine=self.engine)
            ),
            "@all_functions@": ",".join(each.name for each in functions(engine=self.engine)),
            "@views@": ", ".join(f"{_quote(self.schema)}.{each.name}" for each in views()),
        }


# PostgreSQL's key words that cannot name a schema or a role as they are.
_KEY_WORDS = frozenset(
    """
    all analyse analyze and any array as asc asymmetric authorization between bigint binary bit
    boolean both case cast char character check coalesce collate collation column concurrently
    constraint create cross current_catalog current_date current_role current_schema current_time
    current_timestamp current_user dec decimal default deferrable desc distinct do else end except
    exists extract false fetch float for foreign freeze from full grant greatest group grouping
    having ilike in initially inner inout int integer intersect interval into is isnull join
    json json_array json_arrayagg json_exists json_object json_objectagg json_query json_scalar
    json_serialize json_table json_value lateral leading least left like limit localtime
    localtimestamp merge_action national natural nchar none normalize not notnull null nullif
    numeric offset on only or order out outer overlaps overlay placing position precision primary
    real references returning right row select session_user setof similar smallint some
    substring symmetric system_user table tablesample then time timestamp to trailing treat trim
    true union unique user using values varchar variadic verbose when where window with
    xmlattributes xmlconcat xmlelement xmlexists xmlforest xmlnamespaces xmlparse xmlpi xmlroot
    xmlserialize xmltable
    """.split()  # noqa: SIM905
)


def _quote(name: str) -> str:
    # A plain name needs no quotes, and reads better without them in the printed SQL.
    plain = name == name.lower() and name.isidentifier() and name not in _KEY_WORDS
    return name if plain else f'"{name}"'


@cache
def query(name: str, schema: str) -> str:
    """A named statement, with the schema put in.

    Raises:
        KeyError: there is none of this name.
    """
    return Names(schema).render(statement(name))
