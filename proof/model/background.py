"""Others at work on a store: lifecycles and compression in threads and processes, and readers."""

from __future__ import annotations

import multiprocessing
import random
import threading
import traceback
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from multiprocessing.queues import SimpleQueue
from multiprocessing.synchronize import Event

import coldstream
from proof.model.moving import COMPRESSING, VERBS, move
from proof.model.reading import any_read, check
from proof.model.truth import Truth
from proof.model.world import Place, World


class Background:
    """All that is at work beside a sequence. Stopping it raises what one of them saw."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._stop = threading.Event()
        self._failures: list[BaseException] = []
        self.count: Counter[str] = Counter()
        seed = world.chance.random()
        context = multiprocessing.get_context("spawn")
        self._ending: Event = context.Event()
        self._said: SimpleQueue[tuple[str, str]] = context.SimpleQueue()
        self._processes = [
            context.Process(
                target=_process,
                args=(world.place, f"{seed} {kind}", world.today, kind, self._ending, self._said),
                daemon=True,
            )
            for kind in ("verbs", "compressing")
        ]
        bodies: list[Callable[[coldstream.Store, random.Random], str]] = [
            self._verbs,
            self._compressing,
            self._read,
            self._read,
        ]
        self._threads = [
            threading.Thread(target=self._guarded, args=(body, f"{seed} {number}"), daemon=True)
            for number, body in enumerate(bodies)
        ]

    @property
    def has_failed(self) -> bool:
        self._listen()
        return bool(self._failures)

    def start(self) -> None:
        for process in self._processes:
            process.start()
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._ending.set()
        for thread in self._threads:
            thread.join()
        for process in self._processes:
            while process.is_alive():
                # What it says must be taken, or it would not end.
                self._listen()
                process.join(0.05)
        self._listen()
        if self._failures:
            raise self._failures[0]

    def _listen(self) -> None:
        while not self._said.empty():
            kind, text = self._said.get()
            if kind == "fault":
                self._failures.append(RuntimeError(text))
            else:
                self._world.say(f"[process] {text}")
                self.count[text.split(" ")[0]] += 1

    def _guarded(self, body: Callable[[coldstream.Store, random.Random], str], seed: str) -> None:
        chance = random.Random(seed)
        try:
            with self._world.place.open(max_size=2) as store:
                while not self._stop.is_set():
                    self.count[body(store, chance).split(" ")[0]] += 1
                    self._stop.wait(chance.random() * 0.05)
        except BaseException as error:
            self._failures.append(error)

    def _verbs(self, store: coldstream.Store, chance: random.Random) -> str:
        said = move(store, chance, self._world.today, alone=False)
        self._world.say(f"[thread] {said}")
        return said

    def _compressing(self, store: coldstream.Store, chance: random.Random) -> str:
        return move(store, chance, self._world.today, alone=False, verbs=COMPRESSING)

    def _read(self, store: coldstream.Store, chance: random.Random) -> str:
        truth: Truth = self._world.truth
        return check(store, truth, any_read(chance, truth), alone=False)


def _process(
    place: Place,
    seed: str,
    today: datetime,
    kind: str,
    ending: Event,
    said: SimpleQueue[tuple[str, str]],
) -> None:
    chance = random.Random(seed)
    try:
        with place.open(max_size=2) as store:
            while not ending.is_set():
                verbs = VERBS if kind == "verbs" else COMPRESSING
                said.put(("said", move(store, chance, today, alone=False, verbs=verbs)))
                ending.wait(chance.random() * 0.1)
    except BaseException:
        said.put(("fault", traceback.format_exc()))
