"""OpenFeature Remote Evaluation Protocol (OFREP) 0.3: feature flags for the SDKs of OpenFeature.

The base URL of a provider is `/platforms/{platformKey}`. The bodies, statuses and error codes are those of
the protocol's OpenAPI document. It has no reasons `DEFAULT` and `ERROR`: they are `STATIC` and `UNKNOWN`.
"""

import hashlib
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from gql_service import strict_json
from gql_service.auth.access import UserFacts
from gql_service.auth.policy import is_member
from gql_service.auth.principal import Principal
from gql_service.auth.scopes import Scope
from gql_service.domain.flags.evaluation import Evaluation, Reason
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
from gql_service.quoting import quoted
from gql_service.services.context import Context, Services
from gql_service.services.evaluations import evaluate_flags
from gql_service.settings import Settings
from gql_service.web.authentication import Authenticator
from gql_service.web.content_negotiation import JSON, essence
from gql_service.web.error_headers import error_headers
from gql_service.web.request import BodyLimit, body_limit, check_encoding, parse_body, read_body
from gql_service.web.request_origin import RequestOrigin
from gql_service.web.timeouts import RequestTimeouts

PATH = "/platforms/{platform_key}/ofrep/v1/evaluate/flags"
_MAX_TARGETING_KEY = 255
_REASONS = {each: str(each) for each in Reason} | {Reason.DEFAULT: "STATIC", Reason.ERROR: "UNKNOWN"}
"""The reasons by their names in the protocol."""
_VARIANTS = dict.fromkeys(Reason, "default") | {Reason.TARGETING_MATCH: "override"}
"""The `variant` of values that are of no variant. It is optional in the protocol, but the provider of the
Python SDK needs it."""
_HEADERS = {"Cache-Control": "private, no-cache", "Vary": "Authorization"}


class EvaluationFailure(BadUserInput):
    """The request cannot be evaluated. `error_code` is that of the protocol."""

    def __init__(self, error_code: str, message: str) -> None:
        super().__init__(message)
        self.error_code = error_code


class OfrepEndpoint:
    """Evaluates all flags of a platform, or one, for the user of a targeting key."""

    def __init__(self, services: Services, settings: Settings, authenticator: Authenticator) -> None:
        self._services = services
        self._authenticator = authenticator
        self._body_limit: BodyLimit = body_limit(settings)
        self._max_json_values = settings.max_json_values
        self._timeouts = RequestTimeouts(settings.request_timeout)

    async def __call__(self, request: Request) -> Response:
        key = request.path_params.get("key") or None
        if (record := CURRENT_REQUEST.get()) is not None:
            record.endpoint, record.operation = "ofrep", "flags" if key is None else "flag"
        try:
            with self._timeouts():
                return await self._respond(request, key)
        except TimeoutError:
            return _error_response(Unavailable("The request took too long. Try again."), key)
        except RequestError as error:
            return _error_response(error, key)

    async def _respond(self, request: Request, key: str | None) -> Response:
        origin = RequestOrigin(
            self._authenticator.proxies, request.scope.get("client"), request.scope["headers"], request.method
        )
        principal = await self._authenticator.authenticate(
            _raw_header(request, "authorization"), source="ofrep", origin=origin
        )
        if principal is None:
            raise Unauthenticated
        context = Context(self._services, principal, source="ofrep", origin=origin)
        policy = self._services.policy
        policy.require_scope(principal, Scope.EVALUATE)
        platform = await self._platform(context, principal, request.path_params["platform_key"])
        sees_all = policy.evaluates(principal, platform.tenant_id)
        targeting_key = await self._targeting_key(request)
        user = await _user(context, principal, platform, targeting_key, evaluates_anybody=sees_all)
        evaluations = await evaluate_flags(
            context, platform, user, targeting_key, sees_all=sees_all, only=key
        )
        return _bulk_response(request, evaluations) if key is None else _single_response(key, evaluations)

    async def _platform(self, context: Context, principal: Principal, key: str) -> Platform:
        """Raises Forbidden or NotFound."""
        policy = self._services.policy
        policy.require_platform(principal, key)
        platform = await context.platform(key)
        if platform is None or not (
            policy.sees_platform(principal, platform) or policy.evaluates(principal, platform.tenant_id)
        ):
            raise NotFound("Platform not found")
        return platform

    async def _targeting_key(self, request: Request) -> str:
        """Raises EvaluationFailure, LimitExceeded or UnsupportedMediaType."""
        content_type = _raw_header(request, "content-type")
        if essence(content_type) != JSON:
            raise EvaluationFailure("PARSE_ERROR", f"The content type must be {JSON}.")
        check_encoding(content_type, ", ".join(request.headers.getlist("content-encoding")).encode("latin-1"))
        content_length = _raw_header(request, "content-length")
        text = await read_body(request.receive, content_length, self._body_limit)
        try:
            body = parse_body(text, self._max_json_values)
        except strict_json.InvalidJson as error:
            raise EvaluationFailure("PARSE_ERROR", str(error)) from None
        evaluation_context = body.get("context") if isinstance(body, dict) else None
        if not isinstance(evaluation_context, dict):
            raise EvaluationFailure("INVALID_CONTEXT", "The body must be an object with an object `context`.")
        return _check_targeting_key(evaluation_context.get("targetingKey"))


def _check_targeting_key(key: object) -> str:
    """Raises EvaluationFailure."""
    if key is None or key == "":
        raise EvaluationFailure("TARGETING_KEY_MISSING", "`targetingKey` in `context` names the user.")
    if not isinstance(key, str) or len(key) > _MAX_TARGETING_KEY:
        message = f"`targetingKey` must be a string of at most {_MAX_TARGETING_KEY} characters."
        raise EvaluationFailure("INVALID_CONTEXT", message)
    return key


async def _user(
    context: Context,
    principal: Principal,
    platform: Platform,
    targeting_key: str,
    *,
    evaluates_anybody: bool,
) -> UserFacts | None:
    """The user whom a targeting key names, first by id, then by name; None for strangers of the platform.

    Raises Forbidden, before anybody is looked up, if the caller may only evaluate themselves.
    """
    loaders = context.services.loaders
    if not evaluates_anybody:
        if targeting_key != principal.user_id and not is_same(targeting_key, principal.username):
            raise Forbidden("Only tenant admins and their tokens can evaluate the flags of others.")
        return principal
    user = await loaders.users.load(targeting_key) or await loaders.users_named.load(targeting_key)
    return user if user is not None and is_member(user, platform.tenant_id) else None


def _single_response(key: str, evaluations: list[Evaluation]) -> Response:
    if not evaluations:
        body = {"key": key, "errorCode": "FLAG_NOT_FOUND", "errorDetails": f"There is no flag {quoted(key)}."}
        return _json(body, 404)
    (evaluation,) = evaluations
    flag = _flag(evaluation)
    return _json(flag, 400 if "errorCode" in flag else 200)


def _bulk_response(request: Request, evaluations: list[Evaluation]) -> Response:
    """The entity tag is a digest of the body. So it covers whatever decides the values, also windows."""
    body = orjson.dumps({"flags": [_flag(each) for each in evaluations]})
    tag = hashlib.sha256(body).hexdigest()[:32]
    headers = _HEADERS | {"ETag": f'"{tag}"'}
    if _names(request.headers.getlist("if-none-match"), tag):
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type=JSON)


def _names(if_none_match: list[str], tag: str) -> bool:
    """Whether `If-None-Match` names a tag; the protocol's examples have no quotation marks."""
    tags = {each.strip().removeprefix("W/").strip('"') for line in if_none_match for each in line.split(",")}
    return tag in tags or "*" in tags


def _flag(evaluation: Evaluation) -> dict[str, Any]:
    """An evaluation, or a failure where the protocol has no type for the value."""
    key, value, reason, variant = evaluation
    if value is not None and value[0] in "[n":
        message = "The protocol has no flags whose values are lists or null."
        return {"key": key, "errorCode": "GENERAL", "errorDetails": message}
    flag: dict[str, Any] = {
        "key": key,
        "reason": _REASONS[reason],
        "variant": _VARIANTS[reason] if variant is None else variant,
    }
    if value is not None:
        flag["value"] = orjson.Fragment(value)
    return flag


def _error_response(error: RequestError, key: str | None) -> Response:
    body: dict[str, Any] = {"errorDetails": error.message}
    if isinstance(error, EvaluationFailure):
        body["errorCode"] = error.error_code
    elif error.status < 500:
        body["errorCode"] = "FLAG_NOT_FOUND" if isinstance(error, NotFound) and key else "GENERAL"
    if key is not None and error.status < 500:
        body["key"] = key
    response = _json(body, error.status)
    response.headers.update(error_headers(error, "Bearer"))
    return response


def _json(body: dict[str, Any], status: int) -> Response:
    return Response(orjson.dumps(body), status, headers=_HEADERS, media_type=JSON)


def _raw_header(request: Request, header: str) -> bytes | None:
    value = request.headers.get(header)
    return None if value is None else value.encode("latin-1")
