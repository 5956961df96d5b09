"""Callers and agents' phones: SIPp with scenarios made here, steered while they run.

A scenario waits for SIP as a phone does; besides, a datagram of our own with a made-up method (`ANSWER`, `BUSY`,
`DECLINE`, `AWAY`, `HANGUP`) and the call's Call-ID makes it go on. So a test says "now she answers" instead of guessing
times. SIPp replies to where the call came from, never to the control datagram's sender.
"""

from __future__ import annotations

from pathlib import Path

_SDP = """
      v=0
      o=- 1 1 IN IP4 [local_ip]
      s=-
      c=IN IP4 [local_ip]
      t=0 0
      m=audio [media_port] RTP/AVP 8 96
      a=rtpmap:8 PCMA/8000
      a=rtpmap:96 telephone-event/8000
"""


def _send(text: str, attributes: str = "", body: str = "") -> str:
    lines = "\n".join("      " + line for line in text.strip().splitlines())
    tail = (
        f"\n      Content-Type: application/sdp\n      Content-Length: [len]\n{body}"
        if body
        else "\n      Content-Length: 0\n"
    )
    return f"  <send {attributes}><![CDATA[\n{lines}{tail}\n  ]]></send>\n"


def _recv(what: str, **attributes: str) -> str:
    kind = "response" if what.isdigit() else "request"
    extra = " ".join(f'{key}="{value}"' for key, value in attributes.items())
    return f'  <recv {kind}="{what}" {extra}/>\n'


def _label(name: str) -> str:
    return f'  <label id="{name}"/>\n'


def _goto(label: str) -> str:
    return f'  <nop next="{label}"/>\n'


def _scenario(name: str, body: str) -> str:
    return f'<?xml version="1.0" encoding="ISO-8859-1" ?>\n<scenario name="{name}">\n{body}</scenario>\n'


# ---- phones

_SAVE = """  <recv request="INVITE" rrs="true">
    <action>
      <ereg regexp=".*" search_in="hdr" header="Via:" assign_to="via"/>
      <ereg regexp=".*" search_in="hdr" header="From:" assign_to="from"/>
      <ereg regexp=".*" search_in="hdr" header="To:" assign_to="to"/>
      <ereg regexp="[0-9]+" search_in="hdr" header="CSeq:" assign_to="cseq"/>
    </action>
  </recv>
"""
_TAG = "tag=[pid]T[call_number]"


def _reply(status: str, body: str = "", attributes: str = "") -> str:
    """A response to the INVITE, whatever came since."""
    return _send(
        f"SIP/2.0 {status}\nVia:[$via]\nFrom:[$from]\nTo:[$to];{_TAG}\nCall-ID: [call_id]\nCSeq: [$cseq] INVITE\n"
        "Contact: <sip:[local_ip]:[local_port]>",
        attributes,
        body,
    )


_OK = "SIP/2.0 200 OK\n[last_Via:]\n[last_From:]\n[last_To:]\n[last_Call-ID:]\n[last_CSeq:]"
NO = {"BUSY": "486 Busy Here", "DECLINE": "603 Decline", "AWAY": "480 Temporarily Unavailable", "FAULT": "500 Fault"}


def phone(*, rings: bool = True, does: str = "", after_ms: int = 0, talk_ms: int = 0, talks: bool = False) -> str:
    """A phone. It rings (or keeps silent), then waits to be told what to do, or `does` that `after_ms` from then.

    does: ANSWER, or a key of NO. talk_ms: hangs up by itself so long after the answer. 0: never. talks: answers when it
    gets a NOTIFY with `Event: talk` inside the dialog.
    """
    first = f'timeout="{max(after_ms, 1)}" ontimeout="{does}"' if does else ""
    body = _SAVE
    body += _reply("180 Ringing") if rings else _reply("100 Trying")
    body += f'  <recv request="ANSWER" optional="true" next="ANSWER" {first}/>\n'
    body += "".join(_recv(name, optional="true", next=name) for name in NO)
    if talks:
        body += '  <recv request="NOTIFY" optional="true" next="TALK"><action>'
        body += '<ereg regexp="^ *talk *$" search_in="hdr" header="Event:" check_it="true" assign_to="talk"/>'
        body += "</action></recv>\n"
    body += _recv("CANCEL")
    body += _send(_OK) + _reply("487 Request Terminated", attributes='retrans="500"') + _recv("ACK") + _goto("end")
    if talks:
        body += _label("TALK") + _send(_OK + "\n[last_Event:]") + _goto("ANSWER")
    for name, status in NO.items():
        body += _label(name) + _reply(status, attributes='retrans="500"')
        body += _recv("CANCEL", optional="true", next="late" + name)
        body += _recv("ACK") + _goto("end")
        body += _label("late" + name) + _send(_OK) + _recv("ACK") + _goto("end")
    body += _label("ANSWER") + _reply("200 OK", _SDP, 'retrans="500"')
    body += _recv("CANCEL", optional="true", next="late") + _recv("ACK") + _goto("talk")
    body += _label("late") + _send(_OK) + _recv("ACK")
    body += _label("talk")
    hang = f'timeout="{talk_ms}" ontimeout="HANGUP"' if talk_ms else ""
    body += f'  <recv request="HANGUP" optional="true" next="HANGUP" {hang}/>\n'
    body += _recv("BYE") + _send(_OK) + _goto("end")
    body += _label("HANGUP")
    body += _send(
        f"BYE [next_url] SIP/2.0\nVia: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]\n"
        f"From:[$to];{_TAG}\nTo:[$from]\nCall-ID: [call_id]\nCSeq: 1 BYE\nMax-Forwards: 70",
        'retrans="500"',
    )
    body += _recv("BYE", optional="true", next="both") + _recv("200") + _goto("end")
    body += _label("both") + _send(_OK) + _recv("200")
    body += _label("end")
    body += '  <Reference variables="talk"/>\n' if talks else ""  # SIPp wants each variable used
    return _scenario("phone", body)


# ---- callers

_FAILURES = (
    "400",
    "401",
    "403",
    "404",
    "408",
    "480",
    "481",
    "484",
    "486",
    "487",
    "488",
    "500",
    "502",
    "503",
    "600",
    "603",
)
_DIALOG = (
    "Via: SIP/2.0/[transport] [local_ip]:[local_port];branch={branch}\nFrom: {from_};tag=[pid]C[call_number]\n"
    "To: <sip:[service]@[remote_ip]:[remote_port]>{to}\nCall-ID: [call_id]\nCSeq: {cseq}\nMax-Forwards: 70"
)
_INVITE_BRANCH = "z9hG4bK-[pid]-[call_number]-i{}"


def caller(
    from_: str,
    *,
    headers: tuple[str, ...] = (),
    gives_up_ms: int = 0,
    talk_ms: int = 0,
    uri: str = "",
    login: str = "",
    keys: tuple[str, ...] = (),
    media_port: int = 0,
) -> str:
    """A caller: rings until answered or refused; hangs up when told, or by himself after so long (0: never).

    from_: the whole From value, `<sip:...@...>`. uri: the request URI, '' for the dialled number's. login: SIPp's
    `[authentication ...]` for one who is asked for it (an agent's phone that dials). keys: what he presses
    before the answer by SIP INFO (dtmf-relay), number k when he is told `INFOk`. media_port: in his SDP, 0: SIPp's own.
    """
    sdp = _SDP.replace("[media_port]", str(media_port)) if media_port else _SDP
    here = uri or "sip:[service]@[remote_ip]:[remote_port]"
    contact = "\nContact: <sip:caller@[local_ip]:[local_port]>"
    extra = "\n".join([contact, *headers])
    cseq, branch, peer = 1, _INVITE_BRANCH.format(1), "[peer_tag_param]"

    def request(method: str, branch: str, cseq: int, to: str = "", target: str = "") -> str:
        return f"{method} {target or here} SIP/2.0\n" + _DIALOG.format(
            branch=branch, from_=from_, to=to, cseq=f"{cseq} {method}"
        )

    body = ""
    if login:
        body += _send(request("INVITE", branch, cseq) + extra, 'retrans="500"', sdp)
        body += _recv("100", optional="true") + _recv("401", auth="true") + _send(request("ACK", branch, cseq, peer))
        cseq, branch = 2, _INVITE_BRANCH.format(2)
        extra += "\n" + login
    give_up = f'timeout="{gives_up_ms}" ontimeout="HANGUP"' if gives_up_ms else ""
    body += _send(request("INVITE", branch, cseq) + extra, 'retrans="500"', sdp)
    body += f'  <recv response="100" optional="true" {give_up}/>\n'
    body += _label("waits")
    body += _recv("180", optional="true") + _recv("183", optional="true", rrs="true")
    body += _recv("HANGUP", optional="true", next="HANGUP")
    body += "".join(_recv(f"INFO{k}", optional="true", next=f"INFO{k}") for k in range(len(keys)))
    body += "".join(_recv(code, optional="true", next="refused") for code in _FAILURES)
    body += _recv("200", rrs="true")
    body += _send(request("ACK", "z9hG4bK-[pid]-[call_number]-a", cseq, peer, "[next_url]"))
    hang = f'timeout="{talk_ms}" ontimeout="BYE"' if talk_ms else ""
    body += f'  <recv request="HANGUP" optional="true" next="BYE" {hang}/>\n'
    body += _recv("BYE") + _send(_OK) + _goto("end")
    body += _label("BYE")
    body += _send(request("BYE", "z9hG4bK-[pid]-[call_number]-b", cseq + 99, peer, "[next_url]"), 'retrans="500"')
    body += _recv("481", optional="true")  # the answer to a CANCEL that came too late
    body += _recv("BYE", optional="true", next="both") + _recv("200") + _goto("end")
    body += _label("both") + _send(_OK) + _recv("200") + _goto("end")
    number = cseq
    for k, digits in enumerate(keys):
        body += _label(f"INFO{k}")
        for digit in digits:
            number += 1
            relay = f"\nContent-Type: application/dtmf-relay\nContent-Length: [len]\n\nSignal={digit}\nDuration=160"
            info = request("INFO", f"z9hG4bK-[pid]-[call_number]-f{number}", number, peer, "[next_url]") + relay
            lines = "\n".join("      " + line for line in info.splitlines())
            body += f'  <send retrans="500"><![CDATA[\n{lines}\n  ]]></send>\n'
            body += _recv("180", optional="true") + _recv("183", optional="true") + _recv("200")
            body += '  <pause milliseconds="200"/>\n' if len(digits) > 1 else ""  # a finger is not quicker
        body += _goto("waits")
    body += _label("HANGUP") + _send(request("CANCEL", branch, cseq), 'retrans="500"')
    # the next 200 is the CANCEL's, or the call's own when the two crossed: then it must be acknowledged and ended
    body += _recv("180", optional="true") + _recv("183", optional="true")
    body += '  <recv response="200" rrs="true" next="crossed" test="crossed"><action>'
    body += '<ereg regexp="INVITE" search_in="hdr" header="CSeq:" assign_to="crossed"/></action></recv>\n'
    body += _recv("487")
    body += _label("refused") + _send(request("ACK", branch, cseq, peer))
    body += _goto("end") + _label("crossed")
    body += _send(request("ACK", "z9hG4bK-[pid]-[call_number]-x", cseq, peer, "[next_url]")) + _goto("BYE")
    body += _label("end")
    return _scenario("caller", body)


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path
