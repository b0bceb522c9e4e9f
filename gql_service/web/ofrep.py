"""OpenFeature Remote Evaluation Protocol (OFREP) 0.3: feature flags for the SDKs of OpenFeature.

The base URL of a provider is `/platforms/{platformKey}`. The bodies, statuses and error codes are those of
the protocol's OpenAPI document. It has no reasons `DEFAULT` and `ERROR`: they are `STATIC` and `UNKNOWN`.
"""

import hashlib
import re
from collections.abc import Coroutine
from functools import lru_cache, partial
from typing import Any, NamedTuple

import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from gql_service import strict_json
from gql_service.auth.access import UserFacts
from gql_service.auth.policy import is_member
from gql_service.auth.principal import Principal
from gql_service.auth.scopes import Scope
from gql_service.domain.flags.evaluation import Evaluation, Reason
from gql_service.domain.flags.state import FlagState
from gql_service.domain.tenants import Platform
from gql_service.errors import (
    BadUserInput,
    Forbidden,
    NotFound,
    RequestError,
    Unauthenticated,
    Unavailable,
)
from gql_service.names import is_same
from gql_service.observability.current_request import CURRENT_REQUEST
from gql_service.observability.logging import report_unexpected
from gql_service.observability.requests import RequestObserver
from gql_service.quoting import quoted
from gql_service.services.context import Context, Services
from gql_service.services.evaluations import Evaluated, evaluate_flags
from gql_service.settings import Settings
from gql_service.web.authentication import Authenticator
from gql_service.web.client_address import TrustedProxies
from gql_service.web.content_negotiation import JSON, essence
from gql_service.web.error_headers import error_headers
from gql_service.web.graphql_parameters import Headers, ReadBody
from gql_service.web.ofrep_answers import FlagsAnswer, FlagsAnswers
from gql_service.web.request import BodyLimit, body_limit, check_encoding, parse_body, read_body
from gql_service.web.request_head import one_value_each
from gql_service.web.request_origin import RequestOrigin
from gql_service.web.response import HeaderPairs, HttpResponse
from gql_service.web.timeouts import RequestTimeouts

PATH = "/platforms/{platform_key}/ofrep/v1/evaluate/flags"
MAX_TARGETING_KEY = 255
ERROR_CODES = ("PARSE_ERROR", "INVALID_CONTEXT", "TARGETING_KEY_MISSING", "FLAG_NOT_FOUND", "GENERAL")
REASONS = {each: str(each) for each in Reason} | {Reason.DEFAULT: "STATIC", Reason.ERROR: "UNKNOWN"}
"""The reasons by their names in the protocol."""
_VARIANTS = dict.fromkeys(Reason, "default") | {Reason.TARGETING_MATCH: "override"}
"""The `variant` of values that are of no variant. It is optional in the protocol, but the provider of the
Python SDK needs it."""
_HEADERS: HeaderPairs = ((b"cache-control", b"private, no-cache"), (b"vary", b"Authorization"))
_JSON_HEADERS: HeaderPairs = ((b"content-type", JSON.encode()), *_HEADERS)
_URL = re.compile(rb"/platforms/([a-z0-9._-]+)/ofrep/v1/evaluate/flags(?:/([!\"$&->@-~]*))?")
_MAX_URL = 512


class EvaluationFailure(BadUserInput):
    """The request cannot be evaluated. `error_code` is that of the protocol."""

    def __init__(self, error_code: str, message: str) -> None:
        super().__init__(message)
        self.error_code = error_code


class _FlagsTarget(NamedTuple):
    """All flags of a platform, or the one with a key: a `shortcut.DirectEndpoint`."""

    endpoint: "OfrepEndpoint"
    path: str
    platform_key: str
    key: str | None

    @property
    def name(self) -> str:
        return "ofrep"

    @property
    def operation(self) -> str:
        return "flags" if self.key is None else "flag"

    @property
    def proxies(self) -> TrustedProxies:
        return self.endpoint.proxies

    @property
    def observer(self) -> RequestObserver:
        return self.endpoint.observer

    def respond(
        self, _method: str, _query_string: bytes, headers: Headers, read: ReadBody, origin: RequestOrigin
    ) -> Coroutine[Any, Any, HttpResponse | None]:
        return self.endpoint.respond(self, headers, read, origin)


class OfrepEndpoint:
    """Evaluates all flags of a platform, or one, for the user of a targeting key."""

    def __init__(
        self, services: Services, settings: Settings, authenticator: Authenticator, observer: RequestObserver
    ) -> None:
        self._services = services
        self._authenticator = authenticator
        self.proxies = authenticator.proxies
        self.observer = observer
        self._body_limit: BodyLimit = body_limit(settings)
        self._max_json_values = settings.max_json_values
        self._timeouts = RequestTimeouts(settings.request_timeout)
        self._answers = FlagsAnswers()
        self._find_target = lru_cache(256)(self._parse_url)

    def target(self, url: bytes) -> _FlagsTarget | None:
        """What a request evaluates; None for other URLs, and for those that have to be decoded."""
        if not url.startswith(b"/platforms/") or len(url) > _MAX_URL:
            return None
        return self._find_target(url)

    def _parse_url(self, url: bytes) -> _FlagsTarget | None:
        match = _URL.fullmatch(url)
        if match is None:
            return None
        platform_key, key = match.groups()
        return _FlagsTarget(self, url.decode(), platform_key.decode(), key.decode() if key else None)

    async def __call__(self, request: Request) -> Response:
        """For requests that do not take the shortcut. Raises ClientDisconnect."""
        scope, parameters = request.scope, request.path_params
        target = _FlagsTarget(self, scope["path"], parameters["platform_key"], parameters.get("key") or None)
        if (record := CURRENT_REQUEST.get()) is not None:
            record.endpoint, record.operation = target.name, target.operation
        headers = one_value_each(scope["headers"])
        read = partial(read_body, request.receive, headers.get(b"content-length"))
        origin = RequestOrigin(self.proxies, scope.get("client"), scope["headers"], request.method)
        found = await self.respond(target, headers, read, origin)
        if found is None:
            raise ClientDisconnect
        response = Response(found.body, found.status)
        pairs = found.headers if found.etag is None else (*found.headers, (b"etag", found.etag))
        response.raw_headers = [*pairs, *response.raw_headers]
        return response

    async def respond(
        self, target: _FlagsTarget, headers: Headers, read: ReadBody, origin: RequestOrigin
    ) -> HttpResponse | None:
        """The response; None if the client has disconnected."""
        try:
            origin.timeout = self._timeouts()
            with origin.timeout:
                return await self._respond(target, headers, read, origin)
        except ClientDisconnect:
            return None
        except TimeoutError:
            return _error_response(Unavailable("The request took too long. Try again."), target.key)
        except RequestError as error:
            return _error_response(error, target.key)
        except Exception as error:
            id = report_unexpected(error)
            return _json({"errorDetails": f"Internal error. Report this id to the operators: {id}"}, 500)

    async def _respond(
        self, target: _FlagsTarget, headers: Headers, read: ReadBody, origin: RequestOrigin
    ) -> HttpResponse:
        principal = await self._authenticator.authenticate(
            headers.get(b"authorization"), source="ofrep", origin=origin
        )
        if principal is None:
            raise Unauthenticated
        context = Context(self._services, principal, source="ofrep", origin=origin)
        policy = self._services.policy
        policy.require_scope(principal, Scope.EVALUATE)
        policy.require_platform(principal, target.platform_key)
        try:
            targeting_key = await self._targeting_key(headers, read)
        except RequestError:
            # Whether the platform exists is checked first.
            await self._state(principal, target, principal.user_id)
            raise
        state = await self._state(principal, target, principal.user_id)
        sees_all = policy.evaluates(principal, state.platform.tenant_id)
        user = await self._user(principal, state.platform, targeting_key, evaluates_anybody=sees_all)
        if user is not None and user.user_id != principal.user_id:
            state = await self._state(principal, target, user.user_id)
        subject = _FlagSubject(state, user, targeting_key, sees_all)
        if target.key is not None:
            return _single_response(target.key, await _evaluate(context, subject, target.key))
        return _bulk_response(await self._all_flags(context, subject), headers.get(b"if-none-match"))

    async def _state(self, principal: Principal, target: _FlagsTarget, user_id: str) -> FlagState:
        """Raises NotFound."""
        policy = self._services.policy
        state = await self._services.loaders.flag_states.load((user_id, target.platform_key))
        if state is None or not (
            policy.sees_platform(principal, state.platform)
            or policy.evaluates(principal, state.platform.tenant_id)
        ):
            raise NotFound("Platform not found")
        return state

    async def _targeting_key(self, headers: Headers, read: ReadBody) -> str:
        """Raises EvaluationFailure, LimitExceeded or UnsupportedMediaType."""
        content_type = headers.get(b"content-type")
        if essence(content_type) != JSON:
            raise EvaluationFailure("PARSE_ERROR", f"The content type must be {JSON}.")
        check_encoding(content_type, headers.get(b"content-encoding"))
        text = await read(self._body_limit)
        try:
            body = parse_body(text, self._max_json_values)
        except strict_json.InvalidJson as error:
            raise EvaluationFailure("PARSE_ERROR", str(error)) from None
        evaluation_context = body.get("context") if isinstance(body, dict) else None
        if not isinstance(evaluation_context, dict):
            raise EvaluationFailure("INVALID_CONTEXT", "The body must be an object with an object `context`.")
        return _check_targeting_key(evaluation_context.get("targetingKey"))

    async def _user(
        self, principal: Principal, platform: Platform, targeting_key: str, *, evaluates_anybody: bool
    ) -> UserFacts | None:
        """The user whom a targeting key names, first by id, then by name; None for strangers of the platform.

        Raises Forbidden, before anybody is looked up, if the caller may only evaluate themselves.
        """
        if not evaluates_anybody:
            if targeting_key != principal.user_id and not is_same(targeting_key, principal.username):
                raise Forbidden("Only tenant admins and their tokens can evaluate the flags of others.")
            return principal
        loaders = self._services.loaders
        user = await loaders.users.load(targeting_key) or await loaders.users_named.load(targeting_key)
        return user if user is not None and is_member(user, platform.tenant_id) else None

    async def _all_flags(self, context: Context, subject: "_FlagSubject") -> FlagsAnswer:
        state, user, _, sees_all = subject
        if user is None:
            return _answer(await _evaluate(context, subject, None))
        slot = (state.platform.id, user.user_id, user.tenant_id, sees_all)
        answer = self._answers.find(slot, state, self._services.clock())
        if answer is None:
            answer = _answer(await _evaluate(context, subject, None))
            self._answers.keep(slot, state, answer)
        return answer


class _FlagSubject(NamedTuple):
    """For whom flags are evaluated. `state` is that of the user, or of the caller if there is none."""

    state: FlagState
    user: UserFacts | None
    targeting_key: str
    sees_all: bool


async def _evaluate(context: Context, subject: _FlagSubject, key: str | None) -> Evaluated:
    """All flags, or one. Raises LimitExceeded."""
    state, user, targeting_key, sees_all = subject
    return await evaluate_flags(
        context,
        state.platform,
        user,
        targeting_key,
        sees_all=sees_all,
        only=key,
        definitions=state.definitions,
    )


def _check_targeting_key(key: object) -> str:
    """Raises EvaluationFailure."""
    if key is None or key == "":
        raise EvaluationFailure("TARGETING_KEY_MISSING", "`targetingKey` in `context` names the user.")
    if not isinstance(key, str) or len(key) > MAX_TARGETING_KEY:
        message = f"`targetingKey` must be a string of at most {MAX_TARGETING_KEY} characters."
        raise EvaluationFailure("INVALID_CONTEXT", message)
    return key


def _single_response(key: str, flags: Evaluated) -> HttpResponse:
    if not flags.evaluations:
        body = {"key": key, "errorCode": "FLAG_NOT_FOUND", "errorDetails": f"There is no flag {quoted(key)}."}
        return _json(body, 404)
    (evaluation,) = flags.evaluations
    flag = _flag(evaluation)
    return _json(flag, 400 if "errorCode" in flag else 200)


def _answer(flags: Evaluated) -> FlagsAnswer:
    """The entity tag is a digest of the body. So it covers whatever decides the values, also windows."""
    body = orjson.dumps({"flags": [_flag(each) for each in flags.evaluations]})
    tag = hashlib.sha256(body).hexdigest()[:32]
    return FlagsAnswer(body, b'"%b"' % tag.encode(), flags.since, flags.until)


def _bulk_response(answer: FlagsAnswer, if_none_match: bytes | None) -> HttpResponse:
    if if_none_match is not None and (if_none_match == answer.etag or _names(if_none_match, answer.etag)):
        return HttpResponse(304, _HEADERS, b"", answer.etag)
    return HttpResponse(200, _JSON_HEADERS, answer.body, answer.etag)


def _names(if_none_match: bytes, etag: bytes) -> bool:
    """Whether `If-None-Match` names a tag; the protocol's examples have no quotation marks."""
    tags = {each.strip().removeprefix(b"W/").strip(b'"') for each in if_none_match.split(b",")}
    return etag.strip(b'"') in tags or b"*" in tags


def _flag(evaluation: Evaluation) -> dict[str, Any]:
    """An evaluation, or a failure where the protocol has no type for the value."""
    key, value, reason, variant, _ = evaluation
    if value is not None and value[0] in "[n":
        message = "The protocol has no flags whose values are lists or null."
        return {"key": key, "errorCode": "GENERAL", "errorDetails": message}
    flag: dict[str, Any] = {
        "key": key,
        "reason": REASONS[reason],
        "variant": _VARIANTS[reason] if variant is None else variant,
    }
    if value is not None:
        flag["value"] = orjson.Fragment(value)
    return flag


def _error_response(error: RequestError, key: str | None) -> HttpResponse:
    body: dict[str, Any] = {"errorDetails": error.message}
    if isinstance(error, EvaluationFailure):
        body["errorCode"] = error.error_code
    elif error.status < 500:
        body["errorCode"] = "FLAG_NOT_FOUND" if isinstance(error, NotFound) and key else "GENERAL"
    if key is not None and error.status < 500:
        body["key"] = key
    extra = error_headers(error, "Bearer").items()
    return _json(body, error.status, tuple((name.lower().encode(), value.encode()) for name, value in extra))


def _json(body: dict[str, Any], status: int, extra: HeaderPairs = ()) -> HttpResponse:
    return HttpResponse(status, _JSON_HEADERS + extra, orjson.dumps(body))
