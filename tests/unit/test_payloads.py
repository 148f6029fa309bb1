"""Messages as instances of classes, and back."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any, ClassVar, TypedDict
from uuid import UUID, uuid4

import msgspec
import pydantic
import pydantic.dataclasses
import pytest

import coldstream
from coldstream import InvalidInput, JsonText, Message, PayloadMismatch, to_message
from coldstream.messages.models import decoder, is_model
from coldstream.messages.payloads import encode, message_type


class Currency(Enum):
    EUR = "EUR"


@dataclass
class Deposited:
    amount: Decimal
    note: str | None = None


class Withdrawn(msgspec.Struct, rename="camel"):
    amount: Decimal
    from_account: str = "1"


class Closed(TypedDict):
    reason: str


class Opened(pydantic.BaseModel):
    amount: Decimal
    owner: str = pydantic.Field("ann", alias="ownerName")


class Renamed(pydantic.BaseModel):
    name: str
    count: int = 0


@pydantic.dataclasses.dataclass
class Blocked:
    days: int = pydantic.Field(gt=0)


@dataclass
class Everything:
    id: UUID
    moment: datetime
    day: date
    currency: Currency
    many: list[Deposited]
    by_number: dict[int, tuple[int, str]]
    big: int
    ratio: float
    raw: bytes


MODELS = [Deposited, Withdrawn, Closed, Opened, Renamed, Blocked, Everything]


def message(data: str | None, type: str = "Deposited") -> Message:
    return Message(uuid4(), "account-1", type, 7, 123, data, None, datetime(2025, 1, 2, tzinfo=UTC))


def test_all_kinds_of_models_are_models() -> None:
    assert all(map(is_model, MODELS))
    assert not any(map(is_model, [int, str, dict, Message.data, "Deposited", None, Deposited("1")]))  # type: ignore[arg-type]


def test_the_type_is_the_name_of_the_class() -> None:
    assert [message_type(model) for model in MODELS] == [model.__name__ for model in MODELS]


def test_a_class_may_name_its_type() -> None:
    @dataclass
    class A:
        message_type: ClassVar[str] = "Deposited"

    class B(msgspec.Struct):
        message_type: ClassVar[str] = "Withdrawn"

    class C(pydantic.BaseModel):
        message_type: ClassVar[str] = "Opened"

    assert [message_type(each) for each in (A, B, C)] == ["Deposited", "Withdrawn", "Opened"]
    assert to_message("account-1", A()).type == "Deposited"


def test_a_field_named_message_type_is_data() -> None:
    @dataclass
    class Logged:
        message_type: str = "info"

    class Traced(pydantic.BaseModel):
        message_type: str = "info"

    class Sent(msgspec.Struct):
        message_type: str = "info"

    assert [message_type(each) for each in (Logged, Traced, Sent)] == ["Logged", "Traced", "Sent"]


@pytest.mark.parametrize(
    "event",
    [
        Deposited(Decimal("1.10")),
        Deposited(Decimal("123456789012345678901234567890.1234500"), "zürich ✓"),
        Withdrawn(Decimal("1E+3")),
        Opened(amount=Decimal("123456789012345678901234567890.1234500"), ownerName="bob"),
        Renamed(name="x", count=2**70),
        Blocked(days=3),
        Everything(
            uuid4(),
            datetime(2025, 1, 2, 3, 4, 5, 678901, tzinfo=UTC),
            date(2025, 1, 2),
            Currency.EUR,
            [Deposited(Decimal("0.50"))],
            {7: (1, "a")},
            2**100,
            0.1,
            b"\x00\xff",
        ),
    ],
    ids=lambda event: type(event).__name__,
)
def test_what_is_written_is_read(event: Any) -> None:
    new = to_message("account-1", event)
    assert isinstance(new.data, JsonText)
    again = decoder(type(event))(message(new.data, new.type))
    assert again == event
    assert repr(again) == repr(event)


def test_a_typed_dict_is_named() -> None:
    event: Closed = {"reason": "moved"}
    new = to_message("account-1", event, type=Closed)
    assert (new.type, new.data) == ("Closed", '{"reason":"moved"}')
    assert decoder(Closed)(message(new.data)) == event
    assert to_message("account-1", {"a": 1}, type="Other").type == "Other"
    with pytest.raises(InvalidInput, match="Not an instance of a model: dict") as caught:
        to_message("account-1", event)
    assert "type=" in (caught.value.hint or "")


class OfPydantic(pydantic.BaseModel):
    amount: Decimal
    note: str | None = None


@pytest.mark.parametrize("model", [Deposited, OfPydantic])
def test_a_message_gives_its_data_as_a_model(model: Any) -> None:
    assert message('{"amount": 1.10, "more": 1}').data_as(model) == model(amount=Decimal("1.10"))
    with pytest.raises(PayloadMismatch, match="position 7 of account-1"):
        message('{"amount": "much"}').data_as(model)
    with pytest.raises(InvalidInput, match="Not a model"):
        message("{}").data_as(int)


@pytest.mark.parametrize("model", [Deposited, Withdrawn, Opened])
def test_numbers_in_json_are_exact(model: Any) -> None:
    # pydantic alone makes 1.1 of it, and keeps 17 digits.
    for text in ("1.10", "123456789012345678901234567890.1234500", "0.1", "7"):
        assert str(decoder(model)(message(f'{{"amount": {text}}}')).amount) == text


def test_decimals_are_written_as_numbers() -> None:
    assert encode(Deposited(Decimal("1.10"))) == '{"amount":1.10,"note":null}'


def test_what_jsonb_cannot_hold_is_refused() -> None:
    @dataclass
    class Measured:
        value: Any

    for value in (float("nan"), Decimal("Infinity"), object(), "\ud800"):
        with pytest.raises(InvalidInput):
            to_message("meter-1", Measured(value))


def test_no_data_is_read_as_no_fields() -> None:
    @dataclass
    class Pinged:
        times: int = 1

    assert decoder(Pinged)(message(None)) == Pinged()
    with pytest.raises(PayloadMismatch, match="amount"):
        decoder(Deposited)(message(None))


def test_fields_that_are_not_known_are_passed_over() -> None:
    assert decoder(Deposited)(message('{"amount": 1, "later": [1]}')) == Deposited(Decimal(1))


@pytest.mark.parametrize(
    ("model", "data", "field"),
    [
        (Deposited, '{"amount": "x"}', "$.amount"),
        (Deposited, "{}", "amount"),
        (Deposited, "null", "object"),
        (Deposited, '{"amount": 1, "note": 5}', "$.note"),
        (Withdrawn, '{"amount": 1, "fromAccount": 5}', "$.fromAccount"),
        (Closed, '{"reason": 5}', "$.reason"),
        (Closed, "[]", "object"),
        (Opened, '{"amount": "x", "ownerName": 5}', "$.amount"),
        (Opened, '{"amount": 1, "ownerName": 5}', "$.ownerName"),
        (Renamed, '{"count": 1}', "$.name"),
        (Renamed, "7", "object"),
        (Blocked, '{"days": 0}', "$.days"),
    ],
)
def test_what_does_not_fit_says_where(model: Any, data: str, field: str) -> None:
    with pytest.raises(PayloadMismatch) as caught:
        decoder(model)(message(data))
    error = caught.value
    text = str(error)
    assert field in text
    assert "\n" not in text
    assert "Deposited at position 7 of account-1 (global position 123)" in text
    assert (error.stream_name, error.position, error.global_position) == ("account-1", 7, 123)
    assert (error.type, error.model) == ("Deposited", model.__qualname__)
    assert error.hint


def test_a_class_that_checks_itself_says_why() -> None:
    @dataclass
    class Positive:
        amount: int

        def __post_init__(self) -> None:
            if self.amount < 0:
                raise ValueError("less than nothing")

    with pytest.raises(PayloadMismatch, match="less than nothing"):
        decoder(Positive)(message('{"amount": -1}'))


@pytest.mark.parametrize("model", [int, dict, "Deposited", None, Deposited(Decimal(1))])
def test_what_is_no_model_is_refused(model: Any) -> None:
    with pytest.raises(InvalidInput, match="Not a model"):
        message_type(model)
    with pytest.raises(InvalidInput, match="Not a model"):
        decoder(model)


def test_a_field_that_cannot_be_decoded_is_refused_at_once() -> None:
    @dataclass
    class Ambiguous:
        value: Deposited | Everything
        other: int = field(default=0)

    with pytest.raises(InvalidInput, match="Not decodable from JSON: Ambiguous"):
        decoder(Ambiguous)


def test_pydantic_is_not_imported_for_others() -> None:
    program = (
        "import sys, coldstream; from dataclasses import dataclass\n"
        "@dataclass\n"
        "class A:\n"
        "    x: int = 1\n"
        "coldstream.to_message('a-1', A()); print('pydantic' in sys.modules)"
    )
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert shown.stdout == b"False\n"


def test_a_message_that_follows() -> None:
    cause = Message(
        uuid4(),
        "order-1",
        "Paid",
        3,
        55,
        None,
        '{"correlationStreamName": "order-1", "replyStreamName": "web-9"}',
        datetime(2025, 1, 2, tzinfo=UTC),
    )
    new = to_message("account-1", Deposited(Decimal(1)), follow=cause, metadata={"user": "ann"})
    assert new.metadata == {
        "causationMessageStreamName": "order-1",
        "causationMessagePosition": 3,
        "causationMessageGlobalPosition": 55,
        "correlationStreamName": "order-1",
        "replyStreamName": "web-9",
        "user": "ann",
    }
    asked = to_message(
        "account-1",
        Deposited(Decimal(1)),
        follow=cause,
        correlation_stream_name="a-1",
        reply_stream_name="b-1",
    )
    assert asked.metadata["correlationStreamName"] == "a-1"
    assert asked.metadata["replyStreamName"] == "b-1"
    assert to_message("account-1", Deposited(Decimal(1))).metadata is None
    answer = coldstream.to_reply(cause, Deposited(Decimal(1)))
    assert answer.stream_name == "web-9"
    assert "replyStreamName" not in answer.metadata
