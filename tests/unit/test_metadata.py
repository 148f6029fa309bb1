"""Metadata of messages that follow, ask and answer. What is copied is Eventide's:
messaging/lib/messaging/message/metadata.rb, follow."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from coldstream import InvalidInput, Message, follow
from coldstream.messages.metadata import correlate, reply_to, request


def message(metadata: Any) -> Message:
    text = None if metadata is None else json.dumps(metadata)
    return Message(uuid4(), "order-1", "Paid", 3, 55, None, text, datetime(2025, 1, 2, tzinfo=UTC))


CAUSE = {
    "causationMessageStreamName": "order-1",
    "causationMessagePosition": 3,
    "causationMessageGlobalPosition": 55,
}


@pytest.mark.parametrize("metadata", [None, {}, [], 5, "text", {"correlationStreamName": None}])
def test_the_cause_is_named(metadata: Any) -> None:
    assert follow(message(metadata)) == CAUSE


def test_what_is_copied_and_what_is_not() -> None:
    before = {
        "causationMessageStreamName": "earlier-1",
        "causationMessagePosition": 1,
        "causationMessageGlobalPosition": 1,
        "correlationStreamName": "account-9",
        "replyStreamName": "web-1",
        "properties": {"tenant": "a"},
        "localProperties": {"trace": 1},
        "schemaVersion": "2",
        "user": "ann",
    }
    assert follow(message(before)) == {
        **CAUSE,
        "correlationStreamName": "account-9",
        "replyStreamName": "web-1",
        "properties": {"tenant": "a"},
    }


def test_what_is_given_wins() -> None:
    before = message({"correlationStreamName": "a-1", "properties": {"x": 1, "y": 1}})
    given = {"correlationStreamName": "b-1", "properties": {"y": 2}, "user": "ann"}
    assert follow(before, given) == {
        **CAUSE,
        "correlationStreamName": "b-1",
        "properties": {"x": 1, "y": 2},
        "user": "ann",
    }
    # Neither is changed.
    assert given["properties"] == {"y": 2}
    assert before.metadata["properties"] == {"x": 1, "y": 1}


def test_asking_and_correlating() -> None:
    assert request("web-1") == {"replyStreamName": "web-1"}
    assert correlate("a-1", request("web-1", {"user": "ann"})) == {
        "user": "ann",
        "replyStreamName": "web-1",
        "correlationStreamName": "a-1",
    }


def test_an_answer_asks_for_none() -> None:
    asked = message(
        {"replyStreamName": "web-1", "correlationStreamName": "a-1", "properties": {"x": 1}}
    )
    assert reply_to(asked, {"properties": {"y": 2}}) == (
        "web-1",
        {**CAUSE, "correlationStreamName": "a-1", "properties": {"x": 1, "y": 2}},
    )
    # A conversation may go on, for who says so.
    assert reply_to(asked, request("b-1"))[1]["replyStreamName"] == "b-1"


@pytest.mark.parametrize("metadata", [None, {}, [], {"replyStreamName": 5}])
def test_nobody_asked(metadata: Any) -> None:
    with pytest.raises(InvalidInput, match=r"No reply stream name.*Paid at position 3 of order-1"):
        reply_to(message(metadata))
