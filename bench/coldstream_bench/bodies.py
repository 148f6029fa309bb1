"""JSON as a shop's services write it: the bodies and the metadata of the model's messages."""

from __future__ import annotations

from datetime import datetime
from random import Random
from zlib import crc32

_TYPES = {
    "account": ["Opened", "Deposited", "Withdrawn", "HoldPlaced", "HoldReleased", "Closed"],
    "order": ["Placed", "LineAdded", "AddressChanged", "Confirmed", "Shipped", "Completed"],
    "payment": ["Initiated", "Authorized", "Captured", "Settled", "Refunded"],
    "shipment": ["Booked", "PickedUp", "Scanned", "OutForDelivery", "Delivered"],
    "customer": ["Registered", "EmailVerified", "AddressChanged", "PreferencesUpdated"],
    "invoice": ["Drafted", "Issued", "ReminderSent", "Paid"],
}
_GIVEN = ["Ada", "Bruno", "Chiara", "Dmitri", "Elif", "Farah", "Goran", "Hanna", "Ines", "Jonas"]
_FAMILY = ["Almeida", "Berger", "Costa", "Duarte", "Eriksen", "Fischer", "Garcia", "Haddad"]
_STREETS = ["Harbour Road", "Mill Lane", "Station Street", "Church Hill", "Market Square"]
_CITIES = [("Bergen", "NO"), ("Porto", "PT"), ("Graz", "AT"), ("Leeds", "GB"), ("Lyon", "FR")]
_CHANNELS = ["web", "ios", "android", "branch", "partner-api"]
_CURRENCIES = ["EUR", "GBP", "NOK"]
# How many, in ten commands.
_EVENTS_OF_A_COMMAND = [1, 1, 1, 1, 1, 2, 2, 2, 3, 3]


class Bodies:
    """The bodies of one stream's messages. What stays the same through a stream (the customer, the
    address) follows from its name; what caused a message is one for all that a command caused.

    ``unfinished``: how many messages of the last command are still to come.
    """

    __slots__ = (
        "_cause",
        "_correlation",
        "_head",
        "_metadata",
        "_middle",
        "_tail",
        "_types",
        "unfinished",
    )

    def __init__(self, stream_name: str) -> None:
        category, _, id = stream_name.partition("-")
        self._types = _TYPES.get(category) or _TYPES["order"]
        same = crc32(stream_name.encode())
        given, family = _GIVEN[same % 10], _FAMILY[same % 8]
        city, country = _CITIES[same % 5]
        customer = 100_000 + same % 800_000
        self._head = (
            f'{{"{category}Id":"{id}","customer":{{"id":{customer},"name":"{given} {family}",'
            f'"email":"{given}.{family}{same % 97}@example.com"}},"amount":'
        )
        self._middle = f',"currency":"{_CURRENCIES[same % 3]}","reference":"'
        self._tail = (
            f',"address":{{"street":"{_STREETS[same % 7 % 5]} {1 + same % 180}","city":"{city}",'
            f'"zip":"{10_000 + same % 89_999}","country":"{country}"}},"occurredAt":"'
        )
        self._correlation = f'{{"correlationStreamName":"customer-{customer}",'
        self._metadata = f'"causationMessageStreamName":"{category}:command-{customer}",'
        self._cause = ""
        self.unfinished = 0

    def message(
        self, random: Random, position: int, number: int, time: datetime
    ) -> tuple[str, str, str]:
        """Type, data and metadata of the message at a position; JSON text. ``number``: how many
        messages the store has by then."""
        types = self._types
        type = types[position] if position < len(types) else types[1 + position % 3]
        bits = random.getrandbits(160)
        moment = time.isoformat(timespec="milliseconds")
        # Cents from bits that nothing else uses: 0.00 to 999.99.
        data = (
            f"{self._head}{(bits >> 100) % 100_000 / 100:.2f}{self._middle}"
            f'{bits % 1_000_000:06d}","channel":"{_CHANNELS[bits % 5]}"'
            f'{self._tail}{moment}"}}'
        )
        if not self.unfinished:
            self.unfinished = _EVENTS_OF_A_COMMAND[bits % 10]
            self._cause = (
                f"{self._correlation if bits & 48 else '{'}{self._metadata}"
                f'"causationMessagePosition":{position},'
                f'"causationMessageGlobalPosition":{max(1, number - (bits >> 130) % 100)},'
                f'"traceId":"{bits >> 48 & 0xFFFFFFFFFFFFFFFF:016x}"}}'
            )
        self.unfinished -= 1
        return type, data, self._cause
