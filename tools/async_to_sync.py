"""Write the sync client from the async one: ``python tools/async_to_sync.py [--check]``.

``_async/*.py`` in ``src/coldstream/client``, ``consumers`` and ``entities`` is written by hand;
every file of it becomes a file of the same name in ``_sync/``. ``--check`` writes nothing and exits
1, with a diff, when a file of ``_sync/`` is not what its source gives.
"""

from __future__ import annotations

import argparse
import ast
import difflib
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import tokenize_rt
import unasync

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "src" / "coldstream"
SOURCES = tuple(PACKAGE / room / "_async" for room in ("client", "consumers", "entities"))

# A whole name on the left becomes the one on the right, in code, in a string that is nothing but
# the name (``__all__``, annotations), in comments and in docstrings. Besides these, a leading
# ``Async`` goes from every name (AsyncStore, AsyncConnectionPool, AsyncIterator), and so do the
# words ``async`` and ``await``.
NAMES = {
    "_async": "_sync",
    "connect_async": "connect",
    # contextlib
    "AbstractAsyncContextManager": "AbstractContextManager",
    "aclosing": "closing",
    "asynccontextmanager": "contextmanager",
    "enter_async_context": "enter_context",
    "push_async_callback": "callback",
    # the language
    "StopAsyncIteration": "StopIteration",
    "__aenter__": "__enter__",
    "__aexit__": "__exit__",
    "__aiter__": "__iter__",
    "__anext__": "__next__",
    "aclose": "close",
    "aiter": "iter",
    "anext": "next",
    # coldstream.client.concurrency
    "called_on_signals": "called_on_signals_sync",
    "current_loop": "current_loop_sync",
    "in_thread": "in_thread_sync",
    "settle_async": "settle",
    "settled": "settled_sync",
    "sleep": "sleep_sync",
}

BANNER = """\
# Generated from {source} by `python tools/async_to_sync.py`.
# Do not edit: change the source and run the command (or `make generate`) again.

"""

NAME_IN_TEXT = re.compile(rf"\b(?:{'|'.join(map(re.escape, NAMES))}|Async[A-Z]\w*)\b")
# In prose only what is clearly code loses its keyword: `async with`, `await store.write(`.
KEYWORD_IN_TEXT = re.compile(r"\b(?:async (?=with\b|for\b|def\b)|await (?=[\w.]+\())")


class NotConvertible(Exception):
    """The source uses something that has no mechanical sync form."""


def convert(source: str, path: Path, *, root: Path = ROOT) -> str:
    """The sync form of ``source``, which belongs to the async file ``path``: formatted, bannered.

    Raises:
        NotConvertible: something async would be left in the result.
    """
    text = tokens_to_sync(source)
    target = path.parent.with_name("_sync") / path.name
    text = BANNER.format(source=path.relative_to(root).as_posix()) + text
    # isort first: names that lost their prefix sort, and sometimes coincide, differently.
    for arguments in (["check", "--quiet", "--select", "I,F811", "--fix"], ["format", "--quiet"]):
        text = ruff([*arguments, "--stdin-filename", str(target), "-"], text)
    check_is_sync(source, text, path)
    return text


def tokens_to_sync(source: str) -> str:
    tokens = [
        token._replace(src=NAME_IN_TEXT.sub(sync_match, KEYWORD_IN_TEXT.sub("", token.src)))
        if token.name == "COMMENT" or (token.name == "STRING" and token.src.endswith('"""'))
        else token
        for token in tokenize_rt.src_to_tokens(source)
    ]
    # unasync would turn AsyncThing into SyncThing: it is told the name without a prefix instead.
    prefixed = {token.src for token in tokens if re.match(r"[\"']?Async[A-Z]", token.src)}
    names = NAMES | {name.strip("\"'"): sync_name(name.strip("\"'")) for name in prefixed}
    with tempfile.TemporaryDirectory() as folder:
        before, after = Path(folder, "before"), Path(folder, "after")
        before.mkdir()
        (before / "module.py").write_text(tokenize_rt.tokens_to_src(tokens))
        rule = unasync.Rule(str(before), str(after), additional_replacements=names)
        unasync.unasync_files([str(before / "module.py")], [rule])
        return (after / "module.py").read_text()


def sync_name(name: str) -> str:
    return NAMES.get(name) or name.removeprefix("Async")


def sync_match(match: re.Match[str]) -> str:
    return sync_name(match[0])


def check_is_sync(source: str, text: str, path: Path) -> None:
    """Nothing async may be left in ``text``, and nothing may hang on Python's version.

    An f-string is one opaque token before Python 3.12 and many after it.
    """
    formatted = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.JoinedStr)]
    for node in [*ast.walk(ast.parse(text)), *(part for f in formatted for part in ast.walk(f))]:
        if left := asynchronous(node):
            raise NotConvertible(
                f"{path}: {left} has no sync form here. In an f-string: take the expression out. "
                "asyncio: go through client/concurrency.py. A new name: add it to NAMES."
            )


def asynchronous(node: ast.AST) -> str | None:
    """What is async about the node, in a word."""
    if isinstance(node, ast.AsyncFor | ast.AsyncFunctionDef | ast.AsyncWith | ast.Await) or (
        isinstance(node, ast.comprehension) and node.is_async
    ):
        return type(node).__name__
    for field in ("id", "attr", "name"):
        name = getattr(node, field, None)
        if isinstance(name, str) and re.match(r"Async[A-Z]|asyncio\b", name):
            return name
        if name in NAMES:
            return str(name)
    return None


def ruff(arguments: list[str], text: str) -> str:
    command = [sys.executable, "-m", "ruff", *arguments]
    return subprocess.run(
        command, input=text, capture_output=True, text=True, check=True, cwd=ROOT
    ).stdout


def generate(source: Path, *, root: Path = ROOT) -> dict[Path, str]:
    """What ``_sync/`` beside ``source`` has to hold: a text for each path.

    Raises:
        NotConvertible: a file has no sync form, or there is no file at all.
    """
    paths = sorted(source.glob("*.py"))
    if not paths:
        raise NotConvertible(f"{source}: no Python file there")
    target = source.with_name("_sync")
    return {target / path.name: convert(path.read_text(), path, root=root) for path in paths}


def differences(wanted: dict[Path, str], target: Path) -> list[str]:
    """A unified diff, as lines, from what ``target`` holds to what is ``wanted``."""
    lines: list[str] = []
    for path in sorted({*wanted, *target.glob("*.py")}):
        old = path.read_text() if path.exists() else ""
        new = wanted.get(path, "")
        lines += difflib.unified_diff(
            old.splitlines(), new.splitlines(), str(path), f"{path} (generated)", lineterm=""
        )
    return lines


def main(
    arguments: list[str] | None = None,
    *,
    sources: tuple[Path, ...] = SOURCES,
    root: Path = ROOT,
) -> int:
    parser = argparse.ArgumentParser(description="Write the sync client from the async one.")
    parser.add_argument("--check", action="store_true", help="only compare; 1 when a file differs")
    check = parser.parse_args(arguments).check
    try:
        wanted = {source.with_name("_sync"): generate(source, root=root) for source in sources}
    except NotConvertible as error:
        print(error, file=sys.stderr)
        return 1
    if check:
        diff = [line for target, texts in wanted.items() for line in differences(texts, target)]
        print(*diff, sep="\n", end="\n" if diff else "")
        if diff:
            print("The sync client is not current: run `make generate`.", file=sys.stderr)
        return 1 if diff else 0
    for target, texts in wanted.items():
        target.mkdir(exist_ok=True)
        for path in {*target.glob("*.py")} - set(texts):
            path.unlink()
        for path, text in texts.items():
            path.write_text(text)
        print(f"{len(texts)} files in {target.relative_to(root)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
