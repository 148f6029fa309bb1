"""What a page is like, told from its result alone."""

from __future__ import annotations

from coldstream.client._sizes import PageSize


class Result:
    """Looks like a PGresult in binary format."""

    def __init__(
        self, rows: list[tuple[int, str | None, str | None]], cut_off: bool = False
    ) -> None:
        self._rows = rows
        self._cut_off = cut_off
        self.ntuples = len(rows)

    def get_value(self, row: int, column: int) -> bytes | None:
        position, data, metadata = self._rows[row]
        id = None if self._cut_off and row == self.ntuples - 1 else "0" * 32
        if column == 4:
            return position.to_bytes(8, "big", signed=True)
        value = {0: id, 5: data, 6: metadata}[column]
        return None if value is None else value.encode()


def test_rows_in_any_order() -> None:
    assert PageSize.of(Result([(7, "12345678", None), (30, "1234", "12"), (9, None, None)])) == (
        PageSize(messages=3, first=7, last=30, bytes=4)
    )


def test_bytes_are_those_of_the_text_and_not_its_characters() -> None:
    assert PageSize.of(Result([(1, "\N{EURO SIGN}", None)])).bytes == 3


def test_sizes_are_those_of_a_sample_of_the_whole_page() -> None:
    rows: list[tuple[int, str | None, str | None]] = [
        (position, "x" * (1000 if position > 5_000 else 0), None) for position in range(10_000)
    ]
    assert 450 < PageSize.of(Result(rows)).bytes < 550


def test_no_rows() -> None:
    assert PageSize.of(Result([])) == PageSize(messages=0, first=0, last=-1, bytes=0)


def test_what_was_cut_off_is_nothing() -> None:
    rows: list[tuple[int, str | None, str | None]] = [(1, "{}", None), (2, "{}", None)]
    assert PageSize.of(Result(rows, cut_off=True)) == PageSize.of(Result([]))
