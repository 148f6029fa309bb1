"""Forms as browsers send them. Only short ones: no file is ever sent here."""

from __future__ import annotations

from urllib.parse import parse_qsl

from starlette.requests import Request

from coldstream.errors import InvalidInput

_LONGEST = 16_384


async def form_of(request: Request) -> dict[str, str]:
    """Fields that have something, by name; of several the last one.

    Raises:
        InvalidInput: it is longer than any of ours.
    """
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > _LONGEST:
            raise InvalidInput("The form is longer than any of these pages")
    try:
        fields = parse_qsl(body.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise InvalidInput("The form is no text") from error
    return {name: value.strip() for name, value in fields if value.strip()}
