"""Ctrl-C and SIGTERM while a process is started."""

from __future__ import annotations

import signal
import subprocess
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Any

import pytest

from coldstream.embedded import EmbeddedServer, server
from coldstream.embedded.node import find_node
from coldstream.embedded.signals import signals_held_back


class Terminated(BaseException):
    """What the handler of SIGTERM raises here."""


def terminated(number: int, frame: FrameType | None) -> None:
    raise Terminated


@pytest.fixture
def on_sigterm() -> Iterator[None]:
    before = signal.signal(signal.SIGTERM, terminated)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.mark.parametrize(
    ("number", "raised"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, Terminated)]
)
def test_the_body_is_finished_first(
    number: signal.Signals, raised: type[BaseException], on_sigterm: None
) -> None:
    steps: list[str] = []

    def start() -> None:
        with signals_held_back():
            signal.raise_signal(number)
            steps.append("finished")

    before = signal.getsignal(number)
    with pytest.raises(raised):
        start()
    assert steps == ["finished"]
    assert signal.getsignal(number) is before


def test_what_is_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with signals_held_back():
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
            signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)


def test_another_thread_holds_nothing_back() -> None:
    seen: list[object] = []

    def body() -> None:
        with signals_held_back():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=body)
    thread.start()
    thread.join()
    assert seen == [signal.getsignal(signal.SIGINT)]


def test_ctrl_c_right_after_the_process_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    real = subprocess.Popen
    processes: list[subprocess.Popen[bytes]] = []

    def popen(*words: Any, **options: Any) -> subprocess.Popen[bytes]:
        processes.append(real(*words, **options))
        signal.raise_signal(signal.SIGINT)
        return processes[-1]

    with EmbeddedServer() as first:  # What is downloaded and made once is there after this.
        assert first.alive
    # How Node is found starts a process too, which is not the one meant here.
    node = find_node()
    monkeypatch.setattr(server, "find_node", lambda: node)
    monkeypatch.setattr(subprocess, "Popen", popen)
    started = EmbeddedServer()
    with pytest.raises(KeyboardInterrupt):
        started.start()
    assert not started.alive
    # Ended, and waited for: no zombie.
    assert [process.returncode is not None for process in processes] == [True]
