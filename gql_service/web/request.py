"""Reading HTTP requests: the body, and the errors that both endpoints share."""

import difflib
from collections.abc import Sequence
from typing import Any, NamedTuple

from starlette.datastructures import QueryParams
from starlette.requests import ClientDisconnect
from starlette.types import Receive

from gql_service import strict_json
from gql_service.errors import BadUserInput, LimitExceeded, RequestError
from gql_service.quoting import quoted
from gql_service.settings import PREFIX, Settings
from gql_service.web.content_negotiation import charset

_MAX_PARAMETERS = 64


class MethodNotAllowed(RequestError):
    """`allow` is the value of the response header `Allow`: the methods that are allowed."""

    code = "METHOD_NOT_ALLOWED"
    status = 405

    def __init__(self, message: str, allow: str) -> None:
        super().__init__(message)
        self.allow = allow


class NotAcceptable(RequestError):
    code = "NOT_ACCEPTABLE"
    status = 406


class UnsupportedMediaType(RequestError):
    code = "UNSUPPORTED_MEDIA_TYPE"
    status = 415


class UnsupportedEncoding(UnsupportedMediaType):
    """The body is compressed. The response has a header `Accept-Encoding` (RFC 9110, section 12.5.3)."""


class MalformedBody(BadUserInput):
    """The body is not valid JSON."""


def check_encoding(content_type: bytes | None, content_encoding: bytes | None) -> None:
    """Raises UnsupportedMediaType if a body is not in UTF-8, or is compressed."""
    name = charset(content_type)
    if name is not None and name not in ("utf-8", "utf8"):
        raise UnsupportedMediaType(f"The charset {quoted(name)} is not supported. Use UTF-8.")
    encoding = (content_encoding or b"").decode("latin-1").strip()
    if encoding.lower() not in ("", "identity"):
        raise UnsupportedEncoding(
            f"The content encoding {quoted(encoding)} is not supported. Send the body uncompressed."
        )


class BodyLimit(NamedTuple):
    """The maximum size of a request body in bytes, with the words for the error that reports it."""

    size: int
    setting: str
    requests: str = ""
    """The requests that the limit applies to; empty if it applies to all."""

    def error(self) -> LimitExceeded:
        return LimitExceeded(
            f"The request body is larger than {self.size} bytes, the limit{self.requests} "
            f"({PREFIX}{self.setting.upper()})."
        )


def body_limit(settings: Settings) -> BodyLimit:
    """The limit for requests with a valid token."""
    return BodyLimit(settings.max_body_size, "max_body_size")


def anonymous_body_limit(settings: Settings) -> BodyLimit:
    """The limit for requests without a token."""
    size = settings.max_anonymous_body_size
    anonymous = BodyLimit(size, "max_anonymous_body_size", " for requests without a token")
    return min(anonymous, body_limit(settings))


def parse_body(text: bytes, max_values: int) -> Any:
    """The JSON of a body. Raises LimitExceeded for too many values, before it is parsed, or InvalidJson."""
    has_room = len(text) <= strict_json.max_containers(max_values) or _excess(text, max_values) is None
    if not has_room and (excess := _excess(strict_json.without_strings(text), max_values)):
        raise LimitExceeded(excess)
    return strict_json.loads(text)


def _excess(text: bytes, max_values: int) -> str | None:
    """What JSON text without strings has too much of; None if nothing. Strings can only add to it."""
    containers, max_containers = strict_json.count_containers(text), strict_json.max_containers(max_values)
    if (values := containers + text.count(b",")) > max_values:
        return f"The JSON has {values} values; {max_values} are allowed ({PREFIX}MAX_JSON_VALUES)."
    if containers > max_containers:
        return (
            f"The JSON has {containers} objects and arrays; {max_containers} are allowed, a quarter of the "
            f"allowed values ({PREFIX}MAX_JSON_VALUES)."
        )
    return None


def query_parameters(query_string: bytes, names: Sequence[str]) -> dict[str, str]:
    """The parameters in a query string, others than `names` included.

    Raises BadUserInput if there are too many, or if one of `names` is repeated: programs on the way to the
    service may go by another of its values.
    """
    if query_string.count(b"&") >= _MAX_PARAMETERS:
        raise BadUserInput(f"The query string has more than {_MAX_PARAMETERS} parameters.")
    parameters: dict[str, str] = {}
    for name, value in QueryParams(query_string).multi_items():
        if name in parameters and name in names:
            raise BadUserInput(f"The query parameter {quoted(name)} is repeated. Send it once.")
        parameters[name] = value
    return parameters


def known_parameters(query_string: bytes, names: Sequence[str]) -> dict[str, str]:
    """The parameters in a query string that may only have `names`.

    Raises BadUserInput for others: without a misspelt one, the request would mean something else.
    """
    parameters = query_parameters(query_string, names)
    for name in parameters:
        if name not in names:
            raise BadUserInput(f"Unknown query parameter {quoted(name)}. {_suggestion(name, names)}")
    return parameters


def _suggestion(name: str, names: Sequence[str]) -> str:
    """Which of `names` is meant, regardless of upper case, hyphens and underscores."""
    spellings = {_letters(known): known for known in names}
    nearest = difflib.get_close_matches(_letters(name), spellings, 1)
    if nearest:
        return f"Did you mean {quoted(spellings[nearest[0]])}?"
    return f"There are {' and '.join(map(quoted, names))}."


def _letters(name: str) -> str:
    return "".join(filter(str.isalnum, name.casefold()))


async def read_body(receive: Receive, content_length: bytes | None, limit: BodyLimit) -> bytes:
    """The body. Raises LimitExceeded as soon as it exceeds the limit, or ClientDisconnect."""
    length = content_length or b""
    if length.isdigit() and int(length) > limit.size:
        raise limit.error()
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        if size > limit.size:
            raise limit.error()
        if not message.get("more_body"):
            return chunks[0] if len(chunks) == 1 else b"".join(chunks)
