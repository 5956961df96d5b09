"""A small OpenID provider over HTTP for the tests: metadata, keys, codes bound to PKCE, signed ID tokens."""

from __future__ import annotations

from base64 import b64decode, urlsafe_b64encode
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from secrets import token_urlsafe
from time import time
from typing import Any
from urllib.parse import urlencode

from aiohttp import web
from aiohttp.test_utils import TestServer
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

CLIENT, SECRET = "callrouter", "a secret: of the client"


@dataclass
class Provider:
    """claims: of whoever logs in. spoil: changes the ID token's claims. sign: makes another token of them."""

    claims: dict[str, Any] = field(default_factory=lambda: {"sub": "7", "groups": ["leitung"], "name": "Anna Amt"})
    spoil: Callable[[dict[str, Any]], None] = lambda _: None
    sign: Callable[[dict[str, Any]], str] | None = None
    key: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256", {"kid": "1", "use": "sig"}))
    issuer: str = ""
    says: str = ""  # what it calls itself, if otherwise
    away: bool = False
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    async def metadata(self, _request: web.Request) -> web.StreamResponse:
        if self.away:
            raise web.HTTPServiceUnavailable
        return web.json_response(
            {
                "issuer": self.says or self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/jwks",
            }
        )

    async def keys(self, _request: web.Request) -> web.StreamResponse:
        self.asked.append("keys")
        return web.json_response(KeySet([self.key]).as_dict(private=False))

    async def authorize(self, request: web.Request) -> web.StreamResponse:
        """Whoever asks is logged in."""
        query = dict(request.query)
        assert (query["response_type"], query["client_id"]) == ("code", CLIENT)
        assert query["code_challenge_method"] == "S256"
        code = token_urlsafe(16)
        self.codes[code] = query
        back = urlencode({"code": code, "state": query["state"], "iss": self.issuer})
        return web.Response(status=303, headers={"Location": f"{query['redirect_uri']}?{back}"})

    async def token(self, request: web.Request) -> web.StreamResponse:
        form = await request.post()
        scheme, _, pair = request.headers.get("Authorization", "").partition(" ")
        assert (scheme, b64decode(pair)) == ("Basic", b"callrouter:a%20secret%3A%20of%20the%20client")
        query = self.codes.pop(str(form["code"]), None)
        challenge = urlsafe_b64encode(sha256(str(form["code_verifier"]).encode()).digest()).rstrip(b"=").decode()
        if query is None or query["code_challenge"] != challenge or query["redirect_uri"] != form["redirect_uri"]:
            return web.json_response({"error": "invalid_grant"}, status=400)
        now = int(time())
        claims = {"iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": query["nonce"]}
        claims |= self.claims
        self.spoil(claims)
        made = self.sign(claims) if self.sign else jwt.encode({"alg": "ES256", "kid": "1"}, claims, self.key)
        return web.json_response({"access_token": "x", "token_type": "Bearer", "id_token": made})


@asynccontextmanager
async def provider() -> AsyncIterator[Provider]:
    made = Provider()
    app = web.Application()
    app.router.add_get("/.well-known/openid-configuration", made.metadata)
    app.router.add_get("/jwks", made.keys)
    app.router.add_get("/authorize", made.authorize)
    app.router.add_post("/token", made.token)
    server = TestServer(app)
    await server.start_server()
    made.issuer = str(server.make_url("/")).rstrip("/")
    try:
        yield made
    finally:
        await server.close()
