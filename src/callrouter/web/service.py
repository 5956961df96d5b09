"""The aiohttp application: probes and metrics for machines, the API for programs, pages for people; and its server.

/healthz, /readyz and /metrics need no token and hold no personal data; by default all of it listens on loopback only.
"""

from __future__ import annotations

import asyncio
import errno
import json
import socket
from functools import cache
from http import HTTPStatus

from aiohttp import web

from callrouter.web.api import OPERATIONS
from callrouter.web.context import CONTEXT, Context
from callrouter.web.entrance import install
from callrouter.web.front import Front
from callrouter.web.models import Ready
from callrouter.web.openapi import document
from callrouter.web.operations import BODY_BYTES_MAX, authenticate, runner
from callrouter.web.problems import Fault, FieldError, Handler, problems

API = "/api/v1"
OPENAPI = f"{API}/openapi.json"
LOOPBACK = "127.0.0.1"
# A body is read as it came: what is small when packed could be large unpacked.
HANDLER = {"auto_decompress": False}
PROBES = frozenset(("/healthz", "/readyz", "/metrics"))
METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


_NOT_TO_BE_HAD = {
    errno.EADDRINUSE: "another program has it",
    errno.EADDRNOTAVAIL: "this machine has no such address",
    errno.EACCES: "ports below 1024 need a right that this user lacks",
}


class CannotListen(OSError):
    """The text names the address and says why it is not to be had."""


async def healthz(_request: web.Request) -> web.StreamResponse:
    """The loop turns: this process need not be restarted."""
    return web.Response(body=Ready().model_dump_json().encode(), content_type="application/json")


async def readyz(request: web.Request) -> web.StreamResponse:
    """200 when calls can be routed, else 503 with every reason."""
    reasons = request.app[CONTEXT].health()
    if reasons:
        errors = tuple(FieldError(where="service", what=reason) for reason in reasons)
        raise Fault(HTTPStatus.SERVICE_UNAVAILABLE, "; ".join(reasons), errors)
    return await healthz(request)


async def metrics(request: web.Request) -> web.StreamResponse:
    return web.Response(body=request.app[CONTEXT].metrics(), headers={"Content-Type": METRICS_TYPE})


@cache
def _openapi() -> bytes:
    return json.dumps(document(OPERATIONS), ensure_ascii=False).encode()


async def openapi(_request: web.Request) -> web.StreamResponse:
    return web.Response(body=_openapi(), content_type="application/json")


@web.middleware
async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Who has no token learns nothing below /api/, not even which paths there are."""
    if request.path.startswith("/api/") and request.path != OPENAPI:
        authenticate(request, request.app[CONTEXT])
    return await handler(request)


async def _headers(_request: web.Request, response: web.StreamResponse) -> None:
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers.setdefault("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")


def make_app(context: Context, front: Front | None = None) -> web.Application:
    """All routes over this context, and the pages if there is a front; for tests as for the real server."""
    _openapi()  # now rather than in the loop
    app = web.Application(middlewares=[problems, guard], client_max_size=BODY_BYTES_MAX, handler_args=HANDLER)
    app[CONTEXT] = context
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/metrics", metrics)
    app.router.add_get(OPENAPI, openapi)
    for operation in OPERATIONS:
        app.router.add_route(operation.method, API + operation.path, runner(operation))
    app.on_response_prepare.append(_headers)
    if front is not None:
        install(app, front)
    return app


class Server:
    """The application on a TCP port. port 0: any free one; `port` then says which."""

    def __init__(self, context: Context, host: str = LOOPBACK, port: int = 8080, front: Front | None = None) -> None:
        app = make_app(context, front)
        app.middlewares.insert(0, self._once_begun)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=2.0)
        self._begun = asyncio.Event()
        self.host = host
        self.port = port

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    async def listen(self) -> None:
        """Take the port, answer probes; who asks for anything else waits for `start`. Raises CannotListen."""
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self.host, self.port).start()
        except OSError as error:
            await self._runner.cleanup()
            why = "no such host" if isinstance(error, socket.gaierror) else error.strerror or str(error)
            raise CannotListen(f"cannot listen on {self.url}: {_NOT_TO_BE_HAD.get(error.errno or 0, why)}") from error
        self.port = self._runner.addresses[0][1]

    def start(self) -> None:
        """Answer everything."""
        self._begun.set()

    async def stop(self) -> None:
        await self._runner.cleanup()

    @web.middleware
    async def _once_begun(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path not in PROBES:
            await self._begun.wait()
        return await handler(request)
