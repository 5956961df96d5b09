"""Errors as RFC 9457 problem+json: one shape for everything that is not a success, whoever found the fault.

Handlers raise `Fault` (or any aiohttp exception); the middleware turns it into the body. Knows no domain.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus

import structlog
from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class FieldError(BaseModel):
    """One thing that is wrong with the request."""

    where: str = Field(description="Path to the value: `body.reason`, `query.limit`.")
    what: str


class Problem(BaseModel):
    """RFC 9457. `type` is always `about:blank`: the status says the kind, `detail` says what to do."""

    model_config = ConfigDict(extra="forbid")

    type: str = "about:blank"
    title: str = Field(description="The phrase of the HTTP status.")
    status: int = Field(ge=400, le=599)
    detail: str
    errors: list[FieldError] = Field(default_factory=list)


class Fault(Exception):
    """A request that is answered with a problem."""

    def __init__(
        self,
        status: HTTPStatus,
        detail: str,
        errors: tuple[FieldError, ...] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.errors = errors
        self.headers = dict(headers or {})

    @classmethod
    def invalid(cls, where: str, error: ValidationError) -> Fault:
        """A value that does not match the schema. Input is never echoed: it may hold personal data."""
        errors = tuple(
            FieldError(where=".".join((where, *map(str, item["loc"]))), what=item["msg"])
            for item in error.errors(include_url=False, include_context=False, include_input=False)
        )
        return cls(HTTPStatus.BAD_REQUEST, f"The {where} does not match the schema.", errors[:20])


def respond(fault: Fault) -> web.Response:
    body = Problem(title=fault.status.phrase, status=fault.status, detail=fault.detail, errors=list(fault.errors))
    return web.Response(
        status=fault.status, headers=fault.headers, body=body.model_dump_json().encode(), content_type=MEDIA_TYPE
    )


_DETAILS = {
    404: "There is nothing here. /api/v1/openapi.json lists what there is.",
    405: "This method is not allowed here; the Allow header names those that are.",
    413: "The request is too large.",
}


@web.middleware
async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Outermost middleware: whatever goes wrong inside leaves as problem+json."""
    try:
        return await handler(request)
    except Fault as fault:
        return respond(fault)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        status = HTTPStatus(error.status)
        kept = {name: value for name, value in error.headers.items() if name in ("Allow", "Retry-After")}
        return respond(Fault(status, _DETAILS.get(error.status, error.text or status.phrase), headers=kept))
    except Exception:
        log.exception("request failed", method=request.method, path=request.path)
        return respond(Fault(HTTPStatus.INTERNAL_SERVER_ERROR, "This should not happen; the log has the details."))
