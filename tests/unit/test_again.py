from __future__ import annotations

import pytest

from coldstream.again import Pauses, again


def test_pauses_double_up_to_the_longest() -> None:
    assert [Pauses(0.1, 0.5).after(tries) for tries in range(1, 5)] == [0.1, 0.2, 0.4, 0.5]
    assert Pauses(0.1, 5.0).after(10**6) == 5.0


def test_those_who_failed_together_come_back_apart() -> None:
    found = {Pauses(1.0, 4.0, spread=True).after(2) for _ in range(50)}
    assert len(found) > 1
    assert all(1.0 <= pause <= 2.0 for pause in found)


def test_it_is_tried_so_often_and_no_further() -> None:
    tried: list[int] = []

    def fails() -> None:
        tried.append(0)
        raise KeyError(len(tried))

    with pytest.raises(KeyError, match="3"):
        again(fails, times=3, on=lambda error: True, pauses=Pauses(0, 0))
    with pytest.raises(KeyError, match="4"):
        again(fails, times=3, on=lambda error: False, pauses=Pauses(0, 0))
