"""The pages' own files, read once and served from memory under a name that changes with their content."""

from __future__ import annotations

import gzip
import mimetypes
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

from aiohttp import web

FOLDER = Path(__file__).with_name("static")
FOREVER = "public, max-age=31536000, immutable"
_PACKED = (".js", ".css", ".svg")


@lru_cache(maxsize=1)
def _files() -> tuple[str, dict[str, tuple[bytes, bytes | None, str]]]:
    """(version, name -> (content, gzipped, type)). Blocks on files; the first call is at the start of the service."""
    found = {}
    whole = sha256()
    for path in sorted(FOLDER.rglob("*")):
        if path.is_file():
            name, data = path.relative_to(FOLDER).as_posix(), path.read_bytes()
            whole.update(name.encode() + b"\0" + data)
            kind = "font/woff2" if path.suffix == ".woff2" else mimetypes.guess_type(name)[0]
            packed = gzip.compress(data, 9, mtime=0) if path.suffix in _PACKED else None
            found[name] = (data, packed, kind or "application/octet-stream")
    return whole.hexdigest()[:12], found


def version() -> str:
    return _files()[0]


async def serve(request: web.Request) -> web.StreamResponse:
    """Also under an older version: a page that was open over an update gets the new file, but does not keep it."""
    now, files = _files()
    found = files.get(request.match_info["name"])
    if found is None:
        raise web.HTTPNotFound
    data, packed, kind = found
    headers = {"Cache-Control": FOREVER if request.match_info["version"] == now else "no-cache", "Content-Type": kind}
    if kind.startswith("text/") or kind.endswith("javascript"):
        headers["Content-Type"] += "; charset=utf-8"
    if packed is not None:
        headers["Vary"] = "Accept-Encoding"
        if "gzip" in request.headers.get("Accept-Encoding", ""):
            headers["Content-Encoding"] = "gzip"
            return web.Response(body=packed, headers=headers)
    return web.Response(body=data, headers=headers)
