"""What object stores say when they fail, in Coldstream's errors: one line and a hint."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from obstore.exceptions import AlreadyExistsError, BaseError

from coldstream.errors import ArchiveConflict, ArchiveUnavailable

# The first pattern found in the store's own text decides: codes before HTTP status, status before
# words, because a 403 says what was refused only in its code.
_HINTS: tuple[tuple[str, str, str], ...] = (
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
        r"kind: Connect|kind: Timeout|error sending request|TimedOut|dns error|operation timed out",
        "the endpoint cannot be reached",
        "Check the endpoint (for S3: AWS_ENDPOINT_URL) and the network.",
    ),
)


@contextmanager
def reported(doing: str, missing: str = "it does not exist") -> Iterator[None]:
    """Turn what the object store raises inside into Coldstream's errors.

    ``doing`` completes "Cannot ...", for example ``write s3://bucket/key``; ``missing`` says what
    a "not found" means there.

    Raises:
        ArchiveConflict: a conditional write found the key taken.
        ArchiveUnavailable: anything else the store or the file system refused.
    """
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
    for pattern, reason, hint in _HINTS:
        if re.search(pattern, text, re.IGNORECASE):
            return ArchiveUnavailable(f"Cannot {doing}: {reason}", hint=hint)
    reason = otherwise or text.partition("\n")[0].strip() or type(error).__name__
    return ArchiveUnavailable(f"Cannot {doing}: {reason}")
