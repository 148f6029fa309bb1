"""What object stores say when they fail, in Coldstream's errors: one line and a hint."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from obstore.exceptions import AlreadyExistsError, BaseError, GenericError

from coldstream._forks import after_fork
from coldstream.errors import ArchiveConflict, ArchiveUnavailable

# The first pattern found in the store's own text decides: codes before HTTP status, status before
# words, because a 403 says what was refused only in its code.
_LASTING: tuple[tuple[str, str, str], ...] = (
    (
        r"RequestTimeTooSkewed|RequestExpired",
        "the clock of this machine is wrong",
        "Set it (NTP): the store refuses what is some minutes off.",
    ),
    (
        r"\bkms:|\bKMS\.|KMSKey|KeyVaultEncryptionKey",
        "the encryption key may not be used",
        "The credentials need leave for the key, too (for S3: kms:GenerateDataKey, kms:Decrypt).",
    ),
    (
        r"QuotaExceeded|StorageFull|InsufficientAccountPermissions.*quota|quota exceeded",
        "its quota is used up",
        "Raise the quota of the bucket, or choose another archive location.",
    ),
    (
        r"InvalidObjectState|BlobArchived|BlobBeingRehydrated",
        "the object is in a storage class that cannot be read at once",
        "Restore it first (for S3: RestoreObject), and keep the archive in a class that is read "
        "without that.",
    ),
    (
        r"Object Lock|Content-MD5 OR x-amz-checksum",
        "the bucket takes objects with a checksum only, as those with Object Lock do",
        "Give the option checksum_algorithm=SHA256.",
    ),
    (
        r"PermanentRedirect|AuthorizationHeaderMalformed|IllegalLocationConstraint"
        r"|must be addressed using|without LOCATION",
        "the bucket is in another region, or has another endpoint",
        "Give the region (for S3: AWS_REGION) or the endpoint (AWS_ENDPOINT_URL).",
    ),
    (
        r"InvalidAccessKeyId|SignatureDoesNotMatch|InvalidToken|ExpiredToken|AuthFailure",
        "the credentials are not accepted",
        "Check the access key and the secret (for S3: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY).",
    ),
    (
        r"NoSuchBucket|ContainerNotFound|specified bucket does not exist",
        "there is no such bucket",
        "Create the bucket first, or correct its name in the archive URL.",
    ),
    (
        r"169\.254\.169\.254|Account must be specified|token request|metadata\.google",
        "no credentials were found",
        "Give credentials in the environment (for S3: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY).",
    ),
    (
        r"AccessDenied|403 Forbidden|Permission denied|PermissionDenied|os error 13|os error 1\)",
        "permission denied",
        "The archive needs leave to list, read, write and delete below its URL.",
    ),
    (
        r"401 Unauthorized|Unauthenticated",
        "the credentials are not accepted",
        "Check the credentials of the archive.",
    ),
    (
        r"BadScheme",
        "the endpoint is plain http, which is only allowed on this machine",
        "Use https, or set the option allow_http=true.",
    ),
    (
        r"No space left|os error 28|Disk quota|os error 122",
        "the disk is full",
        "Free some space, or choose another archive location.",
    ),
    (
        r"Read-only file system|os error 30",
        "the file system is read-only",
        "Choose a folder that can be written.",
    ),
    (
        r"Not a directory|os error 20|File exists",
        "a file is in the way of a folder",
        "Choose a folder that can be created.",
    ),
    (
        r"os error 27|File too large",
        "the file is larger than this process may write",
        "Raise the limit of file sizes (ulimit -f).",
    ),
    (
        r"501 Not Implemented|NotImplemented",
        "the store cannot do that",
        "It must honour If-None-Match: * as S3 does; see docs/how-to/archive-to-s3.md.",
    ),
)

# The same of what may be gone at the next try.
_PASSING: tuple[tuple[str, str, str], ...] = (
    (
        r"SlowDown|TooManyRequests|429 Too Many|503 Service Unavailable|ServerBusy",
        "the store is too busy",
        "It was asked several times. Wait, then run this again.",
    ),
    (
        r"status code: 5\d\d|InternalError",
        "the store failed",
        "It was asked several times. Wait, then run this again.",
    ),
    (
        r"invalid (?:\w+ )?response|invalid utf-8|kind: Decode",
        "the answer is damaged",
        "Something between here and the store changes what passes. Run this again.",
    ),
    (
        r"kind: Interrupted|response body error",
        "the connection broke off",
        "Check the network, then run this again.",
    ),
    (
        r"kind: Connect|kind: Timeout|error sending request|TimedOut|dns error|operation timed out",
        "the endpoint cannot be reached",
        "Check the endpoint (for S3: AWS_ENDPOINT_URL) and the network.",
    ),
)
_TRIED = re.compile(r"after [1-9]\d* retries")


def passes(error: Exception) -> bool:
    """May it be gone at the next try, and did the store's client not try by itself?"""
    text = str(error)
    return (
        isinstance(error, GenericError)
        and not _TRIED.search(text)
        and _found(_LASTING, text) is None
        and _found(_PASSING, text) is not None
    )


def _found(hints: tuple[tuple[str, str, str], ...], text: str) -> tuple[str, str] | None:
    for pattern, reason, hint in hints:
        if re.search(pattern, text, re.IGNORECASE):
            return reason, hint
    return None


class _Runtime:
    """The threads of the object store's client, which a forked child does not have: whatever it
    asked of the client would wait for ever."""

    def __init__(self) -> None:
        self.used = False
        self.lost = False
        after_fork(self)

    def forked(self) -> None:
        self.lost = self.used

    def check(self) -> None:
        if self.lost:
            raise ArchiveUnavailable(
                "This process was forked from one that had used an archive, and cannot use one",
                hint="Fork before that, or start it anew: multiprocessing's method spawn or "
                "forkserver.",
            )
        self.used = True


_RUNTIME = _Runtime()


@contextmanager
def reported(
    doing: str, missing: str = "it does not exist", *, private: Iterable[object] = ()
) -> Iterator[None]:
    """Turn what the object store raises inside into Coldstream's errors.

    ``doing`` completes "Cannot ...", for example ``write s3://bucket/key``; ``missing`` says what
    a "not found" means there. ``private``: values that may be secrets, and are not repeated.

    Raises:
        ArchiveConflict: a conditional write found the key taken.
        ArchiveUnavailable: anything else the store or the file system refused.
    """
    _RUNTIME.check()
    try:
        yield
    except AlreadyExistsError as error:
        raise ArchiveConflict(f"Cannot {doing}: it exists already") from error
    except FileNotFoundError as error:
        raise _unavailable(doing, error, missing) from error
    except (BaseError, OSError, ValueError) as error:
        values = [str(value) for value in private]
        if values:
            text = _QUOTED.sub(lambda quoted: _masked(quoted[0], values), _first_line(str(error)))
            raise _unavailable(doing, ValueError(text), None) from None
        raise _unavailable(doing, error, None) from error
    except BaseException as error:
        # What obstore cannot make a request of (an endpoint that is no URL, say) ends it like this.
        if type(error).__name__ != "PanicException":
            raise
        raise ArchiveUnavailable(
            f"Cannot {doing}: no request can be made of its options",
            hint="Check the endpoint: it is a URL, such as https://s3.example:9000.",
        ) from None


def _unavailable(doing: str, error: Exception, otherwise: str | None) -> ArchiveUnavailable:
    text = str(error)
    own = _own_words(text)
    if found := _found(_LASTING, text) or _found(_PASSING, text):
        return ArchiveUnavailable(
            f"Cannot {doing}: {found[0]}" + (f" ({own})" if own else ""), hint=found[1]
        )
    reason = otherwise or own or _first_line(text) or type(error).__name__
    return ArchiveUnavailable(f"Cannot {doing}: {reason}")


def _masked(quoted: str, values: Sequence[str]) -> str:
    return "..." if quoted[1:-1] in values else quoted


_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'|`[^`]*`")
_CODE = re.compile(r"<Code>\s*([^<]+?)\s*</Code>")
_MESSAGE = re.compile(r"<Message>\s*([^<]+?)\s*</Message>")
_MOST = 300


def _own_words(text: str) -> str | None:
    """The code and the message of an object store's answer; the rest of it may repeat the request
    and what it was signed with."""
    code, message = _CODE.search(text), _MESSAGE.search(text)
    words = ": ".join(" ".join(match[1].split()) for match in (code, message) if match)
    return words[:_MOST] or None


def _first_line(text: str) -> str:
    return text.partition("<?xml")[0].partition("\n")[0].strip()[:_MOST]


def is_of_one_object(error: Exception) -> bool:
    """Whether an object is missing, and nothing is said about the archive as a whole."""
    cause = error.__cause__
    return isinstance(cause, FileNotFoundError) and "NoSuchBucket" not in str(cause)
