"""The code of README.md and of every page in docs/ runs, and prints what the page says.

How to write a page:

- ```` ```python ```` runs. The blocks of a page run in order and share their names. One that begins
  with ``# test_something.py`` is a file of tests, and a pytest of its own runs it.
- ```` ```sql ```` runs on the page's store as its owner, on one connection a block. Every statement
  ends with a semicolon at the end of a line.
- ```` ```sh ```` runs: every line is a ``coldstream`` command. ``COLDSTREAM_DSN`` and
  ``COLDSTREAM_ARCHIVE`` are set.
- ```` ```shell ```` (a terminal) and ```` ```text ```` (anything else) do not run: what needs
  another program, a server that is not here, or never ends.
- Any other tag fails, so that nothing is left out by a slip of the pen.

Comments that a reader does not see, each on a line of its own:

- ``<!-- output -->`` before a text block: that is what the block before it prints. ``...`` stands
  for anything in a line, or, alone in one, for any number of lines; spaces do not count. SQL prints
  as in psql. A statement or a command that fails must say so in its output.
- ``<!-- history -->``: the page's store holds ten weeks of messages, from 2 January 2025, 70 in
  each of the streams ``account-0`` to ``account-9``. The page says how its reader gets them
  (``coldstream dev --with-history``).
- ``<!-- s3 -->``: the page's archive is on an S3 server.

Every page has a fresh store in schema ``message_store``; a page that runs ``coldstream init``, and
has no history, installs it itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from tests.docs.pages import DIRECTIVES, ROOT, Page, PageError, parse, paths
from tests.docs.runner import Runner, same
from tests.fix_store import InstalledStore


def ids(page: Page) -> str:
    return page.name


PAGES = [parse(path) for path in paths()]
RUNNABLE = [page for page in PAGES if page.runnable]


@pytest.mark.parametrize("page", RUNNABLE, ids=ids)
def test_code_runs(
    page: Page,
    new_page_store: Callable[..., InstalledStore],
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
):
    history = "history" in page.directives
    installs = any(b.tag == "sh" and "coldstream init" in b.text for b in page.blocks)
    store = new_page_store(install=history or not installs, history=history)
    if "s3" in page.directives:
        s3 = request.getfixturevalue("s3")
        monkeypatch.setenv("COLDSTREAM_ARCHIVE", s3.url(page.path.stem))
        for name, value in s3.environment.items():
            monkeypatch.setenv(name, value)

    runner = Runner(page, store.dsn, store.schema)
    for block in page.runnable:
        printed = runner.run(block)
        if block.output is not None and not same(block.output, printed):
            pytest.fail(
                f"{page.name}:{block.line} printed\n{printed}\n-- instead of\n{block.output}",
                pytrace=False,
            )


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_links_lead_somewhere(page: Page):
    broken = []
    for line, link in page.links():
        target, _, anchor = link.partition("#")
        if "://" in target:
            continue
        path = (page.path.parent / target).resolve() if target else page.path
        if not path.exists() or (anchor and anchor not in parse(path).anchors()):
            broken.append(f"{page.name}:{line}: {link}")
    assert broken == []


@pytest.mark.parametrize("page", [p for p in PAGES if "history" in p.directives], ids=ids)
def test_a_page_with_history_says_where_it_is_from(page: Page):
    assert any("`coldstream dev --with-history`" in text for _, text in page.prose)


@pytest.mark.parametrize("page", RUNNABLE, ids=ids)
def test_a_page_with_sql_says_how_it_finds_the_store(page: Page):
    if any(block.tag == "sql" and "message_store." not in block.text for block in page.blocks):
        told = "".join(block.text for block in page.blocks if block.tag != "sql")
        assert "search_path" in told or "ALTER ROLE" in "".join(b.text for b in page.blocks)


def test_every_page_is_linked_from_the_contents():
    contents = [page for page in PAGES if page.path.name == "README.md"]
    linked = {(page.path.parent / link).resolve() for page in contents for _, link in page.links()}
    assert {page.path for page in PAGES} - linked == {ROOT / "README.md"}


def test_a_decision_that_was_changed_names_a_later_one():
    changed = 0
    for page in PAGES:
        if page.path.parent.name != "decisions" or page.path.name == "README.md":
            continue
        number = int(page.path.name[:4])
        first = "\n".join(text for _, text in page.prose).split("\n\n")[1]
        later = re.findall(r"\]\((\d{4})-", first)
        if first.startswith(("**Changed** by ", "**Superseded** by ")):
            changed += 1
            assert later
            assert all(int(each) > number for each in later), page.name
    assert changed > 5


def test_the_directives_are_the_documented_ones():
    assert all(f"``<!-- {name} -->``" in (__doc__ or "") for name in DIRECTIVES)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("```bash\nls\n```\n", "'bash'"),
        ("```\nls\n```\n", "''"),
        ("```python title=x\nx = 1\n```\n", "'python title=x'"),
        ("```python\nx = 1\n", "missing at its end"),
        ("<!-- outptu -->\n", "no directive"),
        ("Text <!-- output -->\n", "no directive"),
        ("<!-- output -->\n```text\n1\n```\n", "after the block that prints it"),
        ("```text\n1\n```\n<!-- output -->\n```text\n1\n```\n", "after the block that prints it"),
        ("```python\nprint(1)\n```\n<!-- output -->\n", "missing at its end"),
    ],
)
def test_nothing_is_left_out_silently(text: str, message: str):
    with pytest.raises(PageError, match=message):
        parse(ROOT / "page.md", text)


@pytest.mark.parametrize(
    ("expected", "printed", "equal"),
    [
        ("a  b\n", "a b", True),
        ("a\n", "b", False),
        ("a ... c", "a b c", True),
        ("a ... c", "a b d", False),
        ("a\n...\nd", "a\nb\nc\nd", True),
        ("a\n...", "b\nc", False),
        ("a", "a\nb", False),
        (" x | y\n---+---\n 1 | 2\n(1 row)", "x | y\n1 | 2\n(1 row)", True),
        ("", "a", False),
    ],
)
def test_comparing_output(expected: str, printed: str, equal: bool):
    assert same(expected, printed) is equal


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ("```python\n1 / 0\n```\n", "division by zero"),
        ("```sql\nSELECT 1 / 0;\n```\n", "division by zero"),
        ("```sql\nSELECT 1\n```\n", "No semicolon"),
        ("```sh\nls\n```\n", "only in a terminal"),
        ("```sh\ncoldstream no-such-command\n```\n", "exit status 2"),
    ],
)
def test_code_that_fails_is_noticed(dsn: str, block: str, message: str):
    page = parse(ROOT / "page.md", block)
    with pytest.raises((PageError, ZeroDivisionError), match=message):
        Runner(page, dsn, "message_store").run(page.blocks[0])
