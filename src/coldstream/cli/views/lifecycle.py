"""The policy, the runs and the history of a lifecycle, as people and programs see them."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from coldstream.cli.views.chunks import (
    IN_WORDS,
    MESSAGES,
    RANGE,
    STATE,
    bytes_taken,
    range_in_words,
    row,
)
from coldstream.cli.views.human import (
    human_bytes,
    human_count,
    human_duration,
    one_line,
    printable,
)
from coldstream.cli.views.render import Column, Unit, render_record, render_table, write_json

if TYPE_CHECKING:
    from coldstream.lifecycle import Policy, Step, Transition
    from coldstream.lifecycle.publish import Publication
    from coldstream.store import Store

_POLICY = {
    "compress_after": "compress after",
    "archive_after": "archive after",
    "drop_after": "drop after",
}
_STEPS = [
    RANGE,
    MESSAGES,
    STATE,
    Column("step", "step"),
    Column("outcome", "outcome"),
    Column("seconds", "took", Unit.SECONDS),
]
_DONE = {"compress": "compressed", "archive": "archived", "verify": "verified", "drop": "dropped"}
_NAMED = 10  # position streams; JSON has all of them
_TRANSITIONS = [
    Column("recorded_at", "when", Unit.TIME),
    RANGE,
    Column("change", "change"),
    MESSAGES,
    Column("bytes", "bytes", Unit.BYTES, aside=True),
    Column("seconds", "took", Unit.SECONDS),
    Column("who", "by", aside=True),
]


def say_archive(store: Store, *, dropping: bool = False) -> None:
    """Where the archive is, before anything is done; ``dropping``: and what that means then."""
    url = store.lifecycle.get_archive()
    if url is None:
        return
    print(f"archive: {printable(url)}", file=sys.stderr)
    if dropping and url.startswith("file:"):
        print(
            "warning: the only copy of what is dropped is in that folder, on this machine",
            file=sys.stderr,
        )


def show_policy(policy: Policy, *, json: bool) -> None:
    """A line for each age."""
    ages = asdict(policy)
    if json:
        write_json(ages)
        return
    columns = [Column(key, title) for key, title in _POLICY.items()]
    words = {key: "never" if age is None else human_duration(age) for key, age in ages.items()}
    render_record("Policy", columns, words)


def show_steps(steps: Sequence[Step], *, json: bool) -> None:
    """A line for each step, and what became of all of them in one."""
    rows = [
        row(step.chunk, step=step.verb, outcome=step.outcome, seconds=step.seconds)
        | {
            "problem": str(step.problem) if step.problem else None,
            "position_streams": list(step.position_streams),
        }
        for step in steps
    ]
    if json:
        write_json([{k: v for k, v in each.items() if k not in IN_WORDS} for each in rows])
        return
    if not steps:
        print("nothing is due")
        return
    render_table("Steps", _STEPS, rows)
    print(in_one_line(steps))


def in_one_line(steps: Sequence[Step]) -> str:
    """``3 archived (12.0 MB), 2 to be dropped (8.1 MB), 1 failed``: what each takes in the database
    before it."""
    count: Counter[str] = Counter()
    sizes: Counter[str] = Counter()
    for step in sorted(steps, key=lambda step: list(_DONE).index(step.verb)):
        done = _DONE[step.verb]
        words = {"due": f"to be {done}", "done": done}.get(step.outcome, step.outcome)
        count[words] += 1
        if words.endswith(done):
            sizes[words] += bytes_taken(step.chunk)
    last = ("failed", "skipped")
    return ", ".join(
        f"{human_count(number)} {words}"
        + (f" ({human_bytes(sizes[words])})" if words in sizes else "")
        for words, number in sorted(count.items(), key=lambda each: each[0] in last)
    )


def show_position_streams(found: Iterable[Sequence[str]]) -> None:
    """Name on stderr the position streams that a drop takes away from their consumers."""
    names = sorted({name for each in found for name in each})
    if not names:
        return
    some = ", ".join(printable(name) for name in names[:_NAMED])
    more = f", and {human_count(len(names) - _NAMED)} more" if len(names) > _NAMED else ""
    print(f"consumers that could not be started again afterwards: {some}{more}", file=sys.stderr)
    print(
        "  hint: their positions, or what follows these, would be in the archive; drop less, or"
        " rehydrate before they start",
        file=sys.stderr,
    )


def show_left(planned: Sequence[Step], steps: Sequence[Step]) -> None:
    """Say on stderr how many planned steps were not due any more when their turn came."""
    done = {(step.chunk.range_start, step.verb) for step in steps}
    left = sum((step.chunk.range_start, step.verb) not in done for step in planned)
    if left:
        what = "step is" if left == 1 else "steps are"
        print(
            f"{human_count(left)} {what} not due any more: somebody else was at work meanwhile",
            file=sys.stderr,
        )


def show_problems(steps: Sequence[Step]) -> int:
    """A line on stderr for each step that failed; the exit status: 1 where one did."""
    failed = [step for step in steps if step.problem is not None]
    for step in failed:
        hint = f" ({step.problem.hint})" if step.problem and step.problem.hint else ""
        chunk = range_in_words(step.chunk.range_start, step.chunk.range_end)
        print(
            f"coldstream: {step.verb} of {chunk}: {one_line(f'{step.problem}{hint}')}",
            file=sys.stderr,
        )
    return 1 if failed else 0


def show_publication(publication: Publication | None) -> None:
    """Say on stderr why the Iceberg table is not in step; it keeps nothing else from being done."""
    if publication is not None and publication.problem is not None:
        print(f"not published: {one_line(str(publication.problem))}", file=sys.stderr)
        print("  hint: coldstream iceberg publish makes up for it", file=sys.stderr)


def show_transitions(transitions: Sequence[Transition], *, json: bool) -> None:
    """A line for each."""
    if json:
        write_json([asdict(each) for each in transitions])
        return
    rows = [
        {
            **asdict(each),
            RANGE.key: range_in_words(each.range_start, each.range_end),
            "change": f"{each.from_state or '(unknown)'} -> {each.to_state}",
            "who": ", ".join(filter(None, [each.role, each.application, each.address])),
        }
        for each in transitions
    ]
    render_table("History", _TRANSITIONS, rows)


def warn_of_functions(replaced: str) -> None:
    """Say on stderr that functions of the store were replaced: others read and write."""
    print(f"not the functions that were installed: {printable(replaced)}", file=sys.stderr)
    print("  hint: coldstream init brings them back", file=sys.stderr)
