"""Single sign-on: OpenID Connect, authorization code with PKCE (RFC 7636), state and nonce; the ID token is verified.

The provider's metadata and keys are fetched when they are needed and kept for an hour; an unknown key is asked for
again at most once a minute. Who begins a login must be the one who ends it: the attempt is bound to a cookie. What
somebody may do comes from one claim, by the configuration, at every login.
"""

from __future__ import annotations

import json
from base64 import b64encode, urlsafe_b64encode
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from hmac import compare_digest
from secrets import token_urlsafe
from time import monotonic
from typing import Any
from urllib.parse import quote, urlencode

import aiohttp
import structlog
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from callrouter.config.pages import Oidc
from callrouter.roles import Grant

log = structlog.get_logger(__name__)

ALGORITHMS = (
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
    "EdDSA",
)  # never none, HS
ATTEMPTS_MAX, ATTEMPT_S = 1_000, 600.0
METADATA_S, KEYS_AGAIN_S = 3600.0, 60.0
ANSWER_S, BYTES_MAX = 10.0, 256 * 1024
LEEWAY_S = 30
TEXT_MAX = 200


class SignOnError(Exception):
    """The login cannot go on. The text is for the log; users are told no details."""


@dataclass(frozen=True, slots=True)
class Person:
    """Who logged in. subject: issuer and sub, unique for ever. grants: by the claim; empty: nothing is open to him."""

    subject: str
    name: str
    title: str
    grants: tuple[Grant, ...]


@dataclass(frozen=True, slots=True)
class _Attempt:
    nonce: str
    verifier: str
    onward: str
    browser: str  # digest of the cookie
    ends: float  # monotonic


class SignOn:
    """One provider. `close` at the end."""

    def __init__(self, config: Oidc, secret: str | None, redirect: str) -> None:
        """redirect: the address of our callback, as registered with the provider."""
        self.config = config
        self._secret = secret
        self._redirect = redirect
        self._attempts: OrderedDict[str, _Attempt] = OrderedDict()
        self._metadata: tuple[float, dict[str, Any]] | None = None
        self._keys: tuple[float, KeySet] | None = None
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def begin(self, onward: str) -> tuple[str, str]:
        """(where to send the browser, the token of its cookie). Raises SignOnError."""
        metadata = await self._about()
        state, nonce, verifier, browser = (token_urlsafe(32) for _ in range(4))
        self._attempts[_digest(state)] = _Attempt(nonce, verifier, onward, _digest(browser), monotonic() + ATTEMPT_S)
        while len(self._attempts) > ATTEMPTS_MAX:
            self._attempts.popitem(last=False)
        challenge = urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        query = {
            "response_type": "code",
            "client_id": self.config.client_id,
            "redirect_uri": self._redirect,
            "scope": " ".join(dict.fromkeys(["openid", *self.config.scopes])),
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        where = str(metadata["authorization_endpoint"])
        return f"{where}{'&' if '?' in where else '?'}{urlencode(query)}", browser

    async def end(self, query: Mapping[str, str], browser: str, now: float) -> tuple[Person, str]:
        """Who came back, and where he wanted to go. browser: his cookie. Raises SignOnError."""
        attempt = self._attempts.pop(_digest(query.get("state", "")), None)
        if attempt is None or attempt.ends < monotonic():
            raise SignOnError("the attempt is unknown or too old")
        if not compare_digest(attempt.browser, _digest(browser)):
            raise SignOnError("another browser began this attempt")
        if "error" in query:
            raise SignOnError(f"the provider says {query['error'][:TEXT_MAX]!r}")
        if query.get("iss", self.config.issuer) != self.config.issuer:  # RFC 9207
            raise SignOnError("the answer is another provider's")
        token = await self._exchange(query.get("code", ""), attempt.verifier)
        claims = await self._verified(token, attempt.nonce, now)
        return self._person(claims), attempt.onward

    # ---- the provider

    async def _about(self) -> dict[str, Any]:
        if self._metadata is None or self._metadata[0] < monotonic():
            metadata = await self._get(self.config.issuer.rstrip("/") + "/.well-known/openid-configuration")
            needed = {"issuer", "authorization_endpoint", "token_endpoint", "jwks_uri"}
            if not isinstance(metadata, dict) or not needed <= metadata.keys():
                raise SignOnError("the provider's metadata is incomplete")
            if metadata["issuer"] != self.config.issuer:
                raise SignOnError(f"the provider calls itself {str(metadata['issuer'])[:TEXT_MAX]!r}")
            self._metadata = (monotonic() + METADATA_S, metadata)
        return self._metadata[1]

    async def _keyset(self, *, again: bool = False) -> KeySet:
        kept = self._keys
        if kept is None or (again and kept[0] < monotonic()):
            try:
                keys = KeySet.import_key_set(await self._get(str((await self._about())["jwks_uri"])))
            except (JoseError, ValueError, KeyError, TypeError) as error:
                raise SignOnError(f"the provider's keys cannot be read: {error}") from error
            kept = self._keys = (monotonic() + KEYS_AGAIN_S, keys)
        return kept[1]

    async def _exchange(self, code: str, verifier: str) -> str:
        """The ID token for the code."""
        metadata = await self._about()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._redirect,
            "code_verifier": verifier,
            "client_id": self.config.client_id,
        }
        headers = {"Accept": "application/json"}
        if self._secret is not None:
            methods = metadata.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
            if "client_secret_basic" in methods:
                pair = f"{quote(self.config.client_id, safe='')}:{quote(self._secret, safe='')}"  # RFC 6749, 2.3.1
                headers["Authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
            else:
                form["client_secret"] = self._secret
        answer = await self._ask("POST", str(metadata["token_endpoint"]), data=form, headers=headers)
        token = answer.get("id_token") if isinstance(answer, dict) else None
        if not isinstance(token, str):
            raise SignOnError("the provider gave no ID token")
        return token

    async def _verified(self, token: str, nonce: str, now: float) -> dict[str, Any]:
        """The claims of a token that is the provider's, for us, of this attempt, and still good (OIDC Core 3.1.3.7)."""
        try:
            found = jwt.decode(token, await self._keyset(), algorithms=list(ALGORITHMS))
        except (JoseError, ValueError):
            try:  # with keys that may be newer
                found = jwt.decode(token, await self._keyset(again=True), algorithms=list(ALGORITHMS))
            except (JoseError, ValueError) as error:
                raise SignOnError(f"the ID token is not the provider's: {error}") from error
        rules = jwt.JWTClaimsRegistry(
            now=int(now),
            leeway=LEEWAY_S,
            iss={"essential": True, "value": self.config.issuer},
            aud={"essential": True, "value": self.config.client_id},
            sub={"essential": True},
            exp={"essential": True},
            iat={"essential": True},
            nonce={"essential": True, "value": nonce},
        )
        try:
            rules.validate(found.claims)
        except JoseError as error:
            raise SignOnError(f"the ID token is not for this login: {error}") from error
        audience = found.claims["aud"]
        if isinstance(audience, list) and len(audience) > 1 and found.claims.get("azp") != self.config.client_id:
            raise SignOnError("the ID token was made for somebody else")
        return dict(found.claims)

    def _person(self, claims: Mapping[str, Any]) -> Person:
        values = claims.get(self.config.claim, [])
        values = values if isinstance(values, list) else [values]
        grants = {Grant.read(text) for value in values for text in self.config.grants.get(str(value), [])}
        sub = str(claims["sub"])
        name = str(claims.get("preferred_username") or claims.get("email") or f"sso-{_digest(sub)[:12]}")
        title = str(claims.get("name") or name)
        return Person(f"{self.config.issuer}|{sub}"[:512], name[:64], title[:80], tuple(sorted(grants)))

    # ---- HTTP

    async def _get(self, url: str) -> Any:
        return await self._ask("GET", url, headers={"Accept": "application/json"})

    async def _ask(self, method: str, url: str, **options: Any) -> Any:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=ANSWER_S), trust_env=True)
        try:
            async with self._session.request(method, url, allow_redirects=False, **options) as answer:
                raw = await answer.content.read(BYTES_MAX + 1)
                while len(raw) <= BYTES_MAX and (more := await answer.content.read(BYTES_MAX)):
                    raw += more
                if answer.status != 200 or len(raw) > BYTES_MAX:
                    raise SignOnError(f"{url} answered {answer.status}, {len(raw)} bytes")
                return json.loads(raw)
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise SignOnError(f"{url}: {type(error).__name__}: {error}") from error


def _digest(text: str) -> str:
    return sha256(text.encode(errors="surrogateescape")).hexdigest()
