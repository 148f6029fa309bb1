"""What object stores say when they fail, in Coldstream's errors: one line and a hint."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from obstore.exceptions import AlreadyExistsError, BaseError, GenericError

from coldstream._forks import after_fork
from coldstream.errors import ArchiveConflict, ArchiveUnavailable

# The first pattern found in the store's own text decides: codes before HTTP status, status before
# words, because a 403 says what was refused only in its code.
_LASTING: tuple[tuple[str, str, str], ...] = (
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
def reported(doing: str, missing: str = "it does not exist") -> Iterator[None]:
    """Turn what the object store raises inside into Coldstream's errors.

    ``doing`` completes "Cannot ...", for example ``write s3://bucket/key``; ``missing`` says what
    a "not found" means there.

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
        raise _unavailable(doing, error, None) from error


def _unavailable(doing: str, error: Exception, otherwise: str | None) -> ArchiveUnavailable:
    text = str(error)
    if found := _found(_LASTING, text) or _found(_PASSING, text):
        return ArchiveUnavailable(f"Cannot {doing}: {found[0]}", hint=found[1])
    reason = otherwise or text.partition("\n")[0].strip() or type(error).__name__
    return ArchiveUnavailable(f"Cannot {doing}: {reason}")
