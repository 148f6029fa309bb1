"""Where the archive is: said by the caller, or known to the ledger."""

from __future__ import annotations

import shutil

from tests.history import END, START
from tests.lifecycle.conftest import Store


def test_the_ledger_knows_where_to_verify_and_rehydrate(small: Store) -> None:
    with small.opened() as opened:
        opened.lifecycle.archive(END)
    with small.opened(archive=None) as opened:
        assert [each.problem for each in opened.lifecycle.verify()] == [None, None]
        opened.lifecycle.drop(END)
        assert list(opened.get_all_messages()) == small.truth
        assert len(opened.lifecycle.rehydrate(START, END)) == 2


def test_a_copy_of_the_archive_is_taken_into_use_by_verifying_it(small: Store) -> None:
    with small.opened() as opened:
        opened.lifecycle.archive(END)
        opened.lifecycle.verify()
        opened.lifecycle.drop(END)
    copy = small.folder.with_name("copy")
    shutil.move(small.folder, copy)
    with small.opened(archive=copy.as_uri()) as opened:
        assert [each.problem for each in opened.lifecycle.verify(again=True)] == [None, None]
    with small.opened(archive=None) as opened:
        assert list(opened.get_all_messages()) == small.truth
