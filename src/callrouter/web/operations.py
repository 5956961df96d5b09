"""One operation of the API as data, and the adapter that runs it.

The table of operations in `api.py` is the only list: routes, checks and the OpenAPI document are made from it.
Knows HTTP, not routing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import TypeVar

from aiohttp import web
from pydantic import BaseModel, ValidationError

from callrouter.web.context import CONTEXT, Context, Token, bearer
from callrouter.web.models import NoQuery
from callrouter.web.problems import Fault, FieldError

BODY_BYTES_MAX = 16 * 1024
Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request whose shape is right: who asks for what."""

    context: Context
    token: Token
    path: dict[str, str]
    query: BaseModel
    body: BaseModel | None

    def query_as(self, model: type[Model]) -> Model:
        assert isinstance(self.query, model)
        return self.query

    def body_as(self, model: type[Model]) -> Model:
        assert isinstance(self.body, model)
        return self.body


@dataclass(frozen=True, slots=True)
class Operation:
    """path: as in OpenAPI, below /api/v1. faults: statuses besides 400, 401 and those that follow from the shape."""

    method: str
    path: str
    name: str
    summary: str
    answer: type[BaseModel]
    handle: Callable[[Asked], Awaitable[BaseModel]]
    query: type[BaseModel] = NoQuery
    body: type[BaseModel] | None = None
    faults: tuple[HTTPStatus, ...] = ()

    @property
    def writes(self) -> bool:
        return self.method != "GET"


def runner(operation: Operation) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """Make the aiohttp handler: who asks, is he allowed to, is the shape right; then the operation itself."""

    async def run(request: web.Request) -> web.StreamResponse:
        context = request.app[CONTEXT]
        token = authenticate(request, context)
        if operation.writes and not token.may_write:
            raise Fault(HTTPStatus.FORBIDDEN, f"The token {token.name!r} may read, not change.")
        query = _query(request, operation.query)
        body = await _body(request, operation.body) if operation.body else None
        asked = Asked(context, token, dict(request.match_info), query, body)
        answer = await operation.handle(asked)
        return web.Response(body=answer.model_dump_json().encode(), content_type="application/json")

    return run


def authenticate(request: web.Request, context: Context) -> Token:
    """RFC 6750, header only: a token in a URL ends up in logs."""
    challenge = {"WWW-Authenticate": 'Bearer realm="callrouter"'}
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not secret.strip():
        detail = "Send a token: `Authorization: Bearer …`."
        if not context.tokens:
            detail = "No API token is configured, so nobody may ask."
        raise Fault(HTTPStatus.UNAUTHORIZED, detail, headers=challenge)
    token = bearer(context.tokens, secret.strip())
    if token is None:
        challenge["WWW-Authenticate"] += ', error="invalid_token"'
        raise Fault(HTTPStatus.UNAUTHORIZED, "This token is not known here.", headers=challenge)
    return token


def _query(request: web.Request, model: type[BaseModel]) -> BaseModel:
    values: dict[str, str] = {}
    for name, value in request.query.items():
        if name in values:
            raise Fault(
                HTTPStatus.BAD_REQUEST,
                "The query does not match the schema.",
                (FieldError(where=f"query.{name[:80]}", what="given more than once"),),
            )
        values[name] = value
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise Fault.invalid("query", error) from None


async def _body(request: web.Request, model: type[BaseModel]) -> BaseModel:
    if request.content_type != "application/json":
        raise Fault(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Send the body as application/json.")
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise Fault(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Send the body without a content encoding.")
    raw = await request.read()
    try:
        return model.model_validate_json(raw)
    except ValidationError as error:
        raise Fault.invalid("body", error) from None
