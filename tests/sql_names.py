"""Which names in SQL the search path decides: tables, functions, operators, types, collations.

A name that is looked up by the path is whatever somebody put in front of it. Words of the grammar
(``bigint``, ``varchar``, ``coalesce``) always mean PostgreSQL's own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pglast
from pglast import ast
from pglast.enums import A_Expr_Kind
from pglast.visitors import Visitor

# What is not written as an operator and still is one that the path finds.
_HIDDEN_OPERATORS = {
    A_Expr_Kind.AEXPR_DISTINCT: "IS DISTINCT FROM",
    A_Expr_Kind.AEXPR_NOT_DISTINCT: "IS NOT DISTINCT FROM",
    A_Expr_Kind.AEXPR_NULLIF: "NULLIF",
    A_Expr_Kind.AEXPR_IN: "IN",
    A_Expr_Kind.AEXPR_LIKE: "LIKE",
    A_Expr_Kind.AEXPR_ILIKE: "ILIKE",
    A_Expr_Kind.AEXPR_SIMILAR: "SIMILAR TO",
    A_Expr_Kind.AEXPR_BETWEEN: "BETWEEN",
    A_Expr_Kind.AEXPR_NOT_BETWEEN: "NOT BETWEEN",
    A_Expr_Kind.AEXPR_BETWEEN_SYM: "BETWEEN SYMMETRIC",
    A_Expr_Kind.AEXPR_NOT_BETWEEN_SYM: "NOT BETWEEN SYMMETRIC",
}
_PATH = re.compile(r"SET search_path = pg_catalog, pg_temp\n")


def names_by_path(text: str) -> list[str]:
    """What the path decides in a file's SQL once it is installed, or sent.

    That is nothing in a function that sets its path. Of a function without, it is its body alone:
    what stands before it is bound when it is made.
    """
    found: list[str] = []
    for raw in pglast.parse_sql(_without_placeholders(text)):
        statement = raw.stmt
        if isinstance(statement, ast.CreateFunctionStmt):
            if not _PATH.search(text):
                found += _of_function(statement, text)
        else:
            found += _of_tree(raw)
    return found


def _without_placeholders(text: str) -> str:
    text = text.replace("@extschema:timescaledb@", "public").replace("@extschema@", "message_store")
    return re.sub(r"%s|%\(\w+\)s|@\w+@", "NULL", text)


def _of_function(statement: ast.CreateFunctionStmt, text: str) -> Iterator[str]:
    options = {option.defname: option.arg for option in statement.options}
    if options["language"].sval == "sql":
        for raw in pglast.parse_sql(options["as"][0].sval):
            yield from _of_tree(raw)
        return
    # The parser takes it for PL/pgSQL's own; PostgreSQL looks it up.
    declared = re.sub(r"--[^\n]*", "", options["as"][0].sval.partition("BEGIN")[0])
    yield from ("type record" for _ in re.finditer(r"(?<!pg_catalog\.)\brecord\b", declared))
    yield from _of_json(pglast.parse_plpgsql(_without_placeholders(text)))


def _of_json(node: Any) -> Iterator[str]:
    if isinstance(node, list):
        for each in node:
            yield from _of_json(each)
    elif isinstance(node, dict):
        for key, value in node.items():
            if key == "PLpgSQL_expr":
                yield from _of_expression(value["query"], value["parseMode"])
            elif key == "PLpgSQL_var":
                # A parameter's type, which has no line, is bound when the function is made.
                if "lineno" in value:
                    yield from _of_type(value["datatype"]["PLpgSQL_type"]["typname"])
                yield from _of_json(value.get("default_val"))
            elif key == "PLpgSQL_stmt_case" and "t_expr" in value:
                yield "operator = (CASE)"
                yield from _of_json(value)
            else:
                yield from _of_json(value)


def _of_expression(query: str, mode: int) -> Iterator[str]:
    if mode == 3:
        query = query.partition(":=")[2]
    if mode in (2, 3):
        query = f"SELECT {query}"
    for raw in pglast.parse_sql(query):
        yield from _of_tree(raw)


def _of_type(name: str) -> Iterator[str]:
    name = name.strip()
    if name.upper() in ("UNKNOWN",) or name.startswith("pg_catalog."):
        return
    for raw in pglast.parse_sql(f"SELECT NULL::{name}"):
        yield from _of_tree(raw)


def _of_tree(tree: Any) -> list[str]:
    names = _Names()
    names(tree)
    return [
        f"{kind} {name}"
        for kind, name in names.found
        if not (kind == "table" and name in names.queries)
    ]


class _Names(Visitor):
    def __init__(self) -> None:
        self.found: list[tuple[str, str]] = []
        self.queries: set[str] = set()

    def visit_CommonTableExpr(self, _: Any, node: ast.CommonTableExpr) -> None:  # noqa: N802
        self.queries.add(node.ctename)

    def visit_RangeVar(self, _: Any, node: ast.RangeVar) -> None:  # noqa: N802
        if node.schemaname is None:
            self.found.append(("table", node.relname))

    def visit_TypeName(self, _: Any, node: ast.TypeName) -> None:  # noqa: N802
        if node.names is not None and len(node.names) == 1:
            self.found.append(("type", node.names[0].sval))

    def visit_FuncCall(self, _: Any, node: ast.FuncCall) -> None:  # noqa: N802
        if len(node.funcname) == 1:
            self.found.append(("function", node.funcname[0].sval))

    def visit_CollateClause(self, _: Any, node: ast.CollateClause) -> None:  # noqa: N802
        if len(node.collname) == 1:
            self.found.append(("collation", node.collname[0].sval))

    def visit_A_Expr(self, _: Any, node: ast.A_Expr) -> None:  # noqa: N802
        if len(node.name) == 1:
            hidden = _HIDDEN_OPERATORS.get(node.kind)
            self.found.append(("operator", hidden or node.name[0].sval))

    def visit_SubLink(self, _: Any, node: ast.SubLink) -> None:  # noqa: N802
        if node.testexpr is not None and (node.operName is None or len(node.operName) == 1):
            self.found.append(("operator", "IN (SELECT"))

    def visit_CaseExpr(self, _: Any, node: ast.CaseExpr) -> None:  # noqa: N802
        if node.arg is not None:
            self.found.append(("operator", "= (CASE)"))

    def visit_JoinExpr(self, _: Any, node: ast.JoinExpr) -> None:  # noqa: N802
        if node.usingClause or node.isNatural:
            self.found.append(("operator", "= (USING)"))
