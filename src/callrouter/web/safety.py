"""What every answer and request of the pages must have: headers, where a request came from, whether it is ours."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

from aiohttp import web

CSP = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": CSP,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "same-origin",
}
HSTS = "max-age=31536000"
Network = IPv4Network | IPv6Network


def networks(proxies: Sequence[str]) -> tuple[Network, ...]:
    return tuple(ip_network(one) for one in proxies)


def address(request: web.Request, proxies: Sequence[Network]) -> str:
    """Where the request comes from: the last address that no trusted proxy has (RFC 7239, 7.4). IPv6 by its /64."""
    chain = [part.strip() for line in request.headers.getall("X-Forwarded-For", []) for part in line.split(",")]
    found = request.remote or ""
    while chain and _trusted(found, proxies):
        found = chain.pop()
    try:
        ip = ip_address(found)
    except ValueError:
        return found[:60]
    if ip.version == 6 and ip.ipv4_mapped is None:
        return str(ip_network(f"{ip}/64", strict=False))
    return str(getattr(ip, "ipv4_mapped", None) or ip)


def _trusted(text: str, proxies: Sequence[Network]) -> bool:
    try:
        ip = ip_address(text)
    except ValueError:
        return False
    return any(ip in network for network in proxies)


def same_origin(request: web.Request, url: str) -> bool:
    """Was this sent by one of our own pages? Asked of everything that changes something.

    Browsers say where a request comes from (Fetch Metadata, or Origin); a program that says nothing carries no cookies
    of a victim, but it gets no benefit of the doubt.
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    origin = request.headers.get("Origin")
    if origin is None:
        return False
    ours = urlsplit(url).netloc if url else request.host
    return urlsplit(origin).netloc == ours
