"""REGISTER as a phone does it, with digest: the one thing of SIP that the harness speaks itself.

SIPp could, in one more process for each phone; a socket does it in a millisecond.
"""

from __future__ import annotations

import hashlib
import re
import socket
from itertools import count

from tests.asterisk.network import SIP_PORT, Site

_ports = count(20101)  # SIP ports of callers and phones: never the same twice, so a late packet has no second reader


def next_port() -> int:
    return next(_ports)


def register(host: str, site: Site, name: str, contact: str) -> None:
    """Bind `contact` to the endpoint `name`; '' removes what is bound. Fails when the site refuses."""
    uri = f"sip:{site.host}"
    binding = f"Contact: <{contact}>\r\nExpires: 3600" if contact else "Contact: *\r\nExpires: 0"
    auth = ""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((host, 0))
        sock.settimeout(1)
        me = f"{host}:{sock.getsockname()[1]}"
        for turn in (1, 2):
            message = (
                f"REGISTER {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {me};branch=z9hG4bK{next_port()}\r\nMax-Forwards: 70\r\n"
                f"From: <sip:{name}@{site.host}>;tag={next_port()}\r\nTo: <sip:{name}@{site.host}>\r\n"
                f"Call-ID: reg{sock.getsockname()[1]}@{me}\r\nCSeq: {turn} REGISTER\r\n{binding}\r\n{auth}"
                "Content-Length: 0\r\n\r\n"
            )
            answer = _exchange(sock, message.encode(), (site.host, SIP_PORT), f"CSeq: {turn} REGISTER")
            if answer.startswith("SIP/2.0 200"):
                return
            assert answer.startswith("SIP/2.0 401"), answer
            auth = "Authorization: " + digest(answer, "REGISTER", uri, name, site.password) + "\r\n"
        raise AssertionError(f"registration of {name} refused: {answer}")


def _exchange(sock: socket.socket, message: bytes, to: tuple[str, int], about: str) -> str:
    """Send, and again as long as no answer comes: UDP and a busy machine."""
    for _ in range(10):
        sock.sendto(message, to)
        try:
            while about not in (answer := sock.recv(65536).decode()):
                pass  # a late answer to what was asked before
            return answer
        except TimeoutError:
            continue
    raise AssertionError(f"{to[0]} does not answer REGISTER")


def digest(challenge: str, method: str, uri: str, user: str, password: str) -> str:
    """RFC 2617 credentials for a 401's challenge, with qop=auth."""
    realm = re.search(r'realm="([^"]*)"', challenge)
    nonce = re.search(r'nonce="([^"]*)"', challenge)
    opaque = re.search(r'opaque="([^"]*)"', challenge)
    assert realm is not None
    assert nonce is not None

    def md5(text: str) -> str:
        return hashlib.md5(text.encode()).hexdigest()

    a1, a2 = md5(f"{user}:{realm[1]}:{password}"), md5(f"{method}:{uri}")
    response = md5(f"{a1}:{nonce[1]}:00000001:c:auth:{a2}")
    tail = f', opaque="{opaque[1]}"' if opaque else ""
    return (
        f'Digest username="{user}", realm="{realm[1]}", nonce="{nonce[1]}", uri="{uri}", response="{response}", '
        f'algorithm=MD5, qop=auth, nc=00000001, cnonce="c"{tail}'
    )
