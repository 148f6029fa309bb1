"""``python -m proof.operator [--sequences N] [--seed S] [--steps N] [--only NAME]``

Prints the seed first and a line for each sequence. Where something went wrong, prints all that was
done in that sequence and how to do it again, and ends with status 1. What is killed in the middle
is killed at another moment in another run.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import time
import traceback
from collections import Counter
from collections.abc import Sequence

from proof.operator.sequence import run
from proof.operator.servers import NoServer, new_cluster, server_folder


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m proof.operator", description=__doc__)
    parser.add_argument("--sequences", type=int, default=20)
    parser.add_argument("--seed", default=None, help="else it is made up, and printed")
    parser.add_argument("--steps", type=int, default=30, help="operations of a sequence")
    parser.add_argument("--only", help="the one sequence of this name, as it is printed")
    parser.add_argument("--go-on", action="store_true", help="with the next one after a fault")
    arguments = parser.parse_args(words)
    seed = arguments.seed or str(random.SystemRandom().randrange(10**9))
    print(f"seed {seed}", flush=True)
    names = [f"{seed}/{number + 1}" for number in range(arguments.sequences)]
    if arguments.only:
        names = [arguments.only]
    total: Counter[str] = Counter()
    faults = 0
    wal = server_folder()
    try:
        cluster = new_cluster(wal)
    except NoServer as error:
        print(error, file=sys.stderr)
        shutil.rmtree(wal, ignore_errors=True)
        return 2
    try:
        for name in names:
            started = time.monotonic()
            count, log, problem = run(cluster, wal, name, steps=arguments.steps)
            total.update(count)
            seconds = time.monotonic() - started
            print(f"{name}: {seconds:.0f} s, {'FAULT' if problem else 'clean'}", flush=True)
            if problem is not None:
                faults += 1
                _report(name, arguments.steps, log, problem)
                if not arguments.go_on or isinstance(problem, KeyboardInterrupt):
                    return 1
    finally:
        cluster.stop()
        shutil.rmtree(wal, ignore_errors=True)
    for what, times in sorted(total.items()):
        print(f"{times:8} {what}")
    print(f"{len(names)} sequences, {faults} faults")
    return 1 if faults else 0


def _report(name: str, steps: int, log: list[str], problem: BaseException) -> None:
    for line in log:
        print(f"  {line}", file=sys.stderr)
    traceback.print_exception(problem, file=sys.stderr)
    print(f"FAULT in {name}: {problem}", file=sys.stderr)
    print(
        f"again: python -m proof.operator --only {name} --steps {steps}",
        file=sys.stderr,
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
