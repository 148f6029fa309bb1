"""What an object store says is shown in its own words, with a hint that fits; and stores that
cannot be relied on are found out before they are."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.stub_s3 import StubS3, stub_s3

from coldstream.archive.storage.location import ArchiveLocation
from coldstream.errors import ArchiveUnavailable


@pytest.fixture
def stub() -> Iterator[StubS3]:
    with stub_s3() as stub:
        yield stub


def location(stub: StubS3) -> ArchiveLocation:
    return ArchiveLocation.open("s3://bucket/a", stub.options)


@pytest.mark.parametrize(
    ("answer", "reason", "hint"),
    [
        ((403, "RequestTimeTooSkewed", "The difference is too large"), "clock", "NTP"),
        ((403, "AccessDenied", "x may not perform: kms:GenerateDataKey"), "encryption key", "kms:"),
        ((403, "QuotaExceeded", "Bucket quota exceeded"), "quota", "quota"),
        (
            (403, "InvalidObjectState", "Not valid for the storage class"),
            "storage class",
            "Restore",
        ),
        (
            (
                400,
                "InvalidRequest",
                "Content-MD5 OR x-amz-checksum- HTTP header is required for "
                "Put Object requests with Object Lock parameters",
            ),
            "Object Lock",
            "checksum_algorithm=SHA256",
        ),
        ((400, "AuthorizationHeaderMalformed", "The region is wrong"), "region", "AWS_REGION"),
        ((403, "AccessDenied", "Access Denied"), "permission denied", "leave to"),
        ((400, "SomethingNew", "Nobody has heard of it"), "SomethingNew: Nobody", None),
    ],
    ids=lambda value: value[1] if isinstance(value, tuple) else None,
)
def test_the_stores_own_words(
    stub: StubS3, answer: tuple[int, str, str], reason: str, hint: str | None
) -> None:
    stub.refuse["GET"] = answer
    with pytest.raises(ArchiveUnavailable) as caught:
        location(stub).get("key")
    text = str(caught.value)
    assert text.startswith("Cannot read s3://bucket/a/key: ")
    assert reason in text
    assert f"{answer[1]}: {answer[2]}" in text
    assert (hint or "") in (caught.value.hint or "")
    # What else is in the answer may be what the request was signed with.
    assert "a-secret" not in text
    assert "\n" not in text


def test_a_store_that_ignores_conditions_is_found_out(stub: StubS3) -> None:
    stub.conditions = False
    with pytest.raises(ArchiveUnavailable, match="ignores conditions") as caught:
        location(stub).check_writable()
    assert "If-None-Match" in (caught.value.hint or "")
    assert stub.objects == {}


def test_nothing_need_be_deleted(stub: StubS3) -> None:
    stub.refuse["POST"] = (403, "AccessDenied", "Access Denied")
    location(stub).check_writable()
    assert len(stub.objects) == 1
    # Where it is allowed, nothing stays.
    stub.refuse.clear()
    location(stub).check_writable()
    assert len(stub.objects) == 1


def test_a_secret_in_an_option_is_not_shown(stub: StubS3) -> None:
    for name in ("timeout", "max_retries", "retry_timeout", "endpoint", "no_such_option"):
        with pytest.raises(ArchiveUnavailable) as caught:
            ArchiveLocation.open("s3://bucket/a", stub.options | {name: "S3cr3t"}).get("key")
        assert "S3cr3t" not in str(caught.value), name
