"""``python -m proof.model --dsn DSN [--seconds N | --minutes N] [--seed S] [--threads]``

Runs one sequence after another, each in a store of its own, until the time is up. Prints the seed,
what was done and, where something went wrong, what came before it; then the exit status is 1.
``--only NAME`` runs one sequence again, by the name that is printed: without ``--threads`` it does
the same, with it others are at work, and do what they do when they do.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
import traceback
from collections import Counter
from collections.abc import Sequence

from proof.model.sequence import run

SCHEMA = "proof_model"
_LOGGED = 60  # lines before a fault


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m proof.model", description=__doc__)
    parser.add_argument("--dsn", required=True, help="a superuser's, of a database to work in")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--minutes", type=float, help="instead of seconds")
    parser.add_argument("--seed", default=None, help="else it is made up, and printed")
    parser.add_argument("--threads", action="store_true", help="with others at work meanwhile")
    parser.add_argument("--operations", type=int, default=250, help="of one sequence")
    parser.add_argument("--only", help="the one sequence of this name")
    parser.add_argument("--log", action="store_true", help="all that was done, where it went wrong")
    arguments = parser.parse_args(words)
    seconds = arguments.minutes * 60 if arguments.minutes else arguments.seconds
    seed = arguments.seed or str(random.SystemRandom().randrange(10**9))
    print(f"seed {seed}", flush=True)
    until = time.monotonic() + seconds
    total: Counter[str] = Counter()
    number = 0
    while time.monotonic() < until:
        number += 1
        name = arguments.only or f"{seed}/{number}"
        started = time.monotonic()
        count, log, problem = run(
            arguments.dsn,
            SCHEMA,
            name,
            operations=arguments.operations,
            with_others=arguments.threads,
            until=until,
        )
        total.update(count)
        if problem is not None:
            _report(name, log if arguments.log else log[-_LOGGED:], problem)
            return 1
        print(
            f"{name}: {time.monotonic() - started:.0f} s, {count['messages']} messages", flush=True
        )
        if arguments.only:
            break
    for what, times in sorted(total.items()):
        print(f"{times:8} {what}")
    print(f"{number} sequences, no fault")
    return 0


def _report(name: str, log: list[str], problem: BaseException) -> None:
    for line in log:
        print(f"  {line}", file=sys.stderr)
    traceback.print_exception(problem, file=sys.stderr)
    print(f"FAULT in {name}: {problem}", file=sys.stderr)
    print(f"again: --only {name}; the store is left in schema {SCHEMA}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
