"""Starts real Asterisk instances on loopback addresses, configured from `deploy/asterisk/` and `dialplans/` as shipped.

One `Network` is several sites joined by SIP trunks, at 127.0.N.1, .2, .3; N is chosen free, so that several runs on one
machine do not meet. It knows files and processes and nothing of what is tested. An Asterisk on the PATH is used as it
is; else the one that `install.sh` put into the cache, by chroot.
"""

from __future__ import annotations

import math
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import wave
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from callrouter.config.dialplan import DialplanSite, render

REPO = Path(__file__).resolve().parents[2]
SIP_PORT = 5060
AMI_PORT = 5038
SECRET = "made-up-for-the-tests"
_LOCK_PORT = 5059  # whoever listens on 127.0.N.254:5059 owns 127.0.N.0/24
# prompts that every site of the lab has; the names are those that the configuration gives the agency's
SOUNDS = (
    "test-beep",
    *(f"agency-gera-{what}-de" for what in ("menu", "welcome", "closed", "busy", "notice")),
    *(f"callback-{what}-de" for what in ("offer-1", "number", "again", "done", "known")),
)
_FIXED = (
    "modules.conf",
    "manager.conf",
    "pjsip.conf",
    "pjsip_notify.conf",
    "extensions.conf",
    "rtp.conf",
    "indications.conf",
    "logger.conf",
    "cdr.conf",
)


def why_not() -> str:
    """Why the real Asterisk cannot be had here; '' if it can."""
    for tool in ("sipp", "tcpdump"):
        if shutil.which(tool) is None:
            return f"no {tool} (sh tests/asterisk/install.sh)"
    if os.geteuid() != 0:
        return "capturing SIP on the loopback device needs root"
    if _asterisk() is None:
        return "no Asterisk 20 or newer (sh tests/asterisk/install.sh)"
    return ""


@dataclass(frozen=True, slots=True)
class _Installation:
    """root: what the process sees as / (the machine itself, or the bootstrapped tree)."""

    root: Path
    command: tuple[str, ...]
    modules: str

    def inside(self, path: Path) -> str:
        return "/" + str(path.relative_to(self.root))


def _asterisk() -> _Installation | None:
    on_path = shutil.which("asterisk")
    if on_path is not None:
        text = subprocess.run([on_path, "-V"], capture_output=True, text=True, check=False).stdout
        version = re.match(r"Asterisk (\d+)", text)
        modules = next(iter(sorted(Path("/usr/lib").glob("*/asterisk/modules"))), Path("/usr/lib/asterisk/modules"))
        if version and int(version[1]) >= 20 and modules.is_dir():
            return _Installation(Path("/"), (on_path,), str(modules))
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "callrouter"
    root = Path(os.environ.get("CALLROUTER_CACHE") or cache) / "asterisk"
    for modules in sorted(root.glob("usr/lib/*/asterisk/modules")):
        return _Installation(root, ("chroot", str(root), "/usr/sbin/asterisk"), "/" + str(modules.relative_to(root)))
    return None


def version() -> str:
    """As Asterisk says it; '' where there is none."""
    installation = _asterisk()
    if installation is None:
        return ""
    command = [*installation.command, "-V"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


@dataclass(frozen=True, slots=True)
class SiteSpec:
    """One site to start: its dialplan, and the names of its other phones (endpoints that no dialplan names)."""

    dialplan: DialplanSite
    password: str = "phone"  # of every phone

    @property
    def name(self) -> str:
        return self.dialplan.site


@dataclass(slots=True)
class Site:
    """A running Asterisk. `host` has SIP on 5060 and AMI on 5038."""

    name: str
    host: str
    phones: tuple[str, ...]
    password: str
    etc: Path
    _conf: str
    _command: tuple[str, ...]
    _log: Path
    _private: tuple[str, ...] = ()  # what puts its database into memory
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Begin to start; `wait_ready` tells when it is up. After `stop` or `kill` it comes back with its database."""
        assert self.process is None
        # a test run that is killed must not leave an Asterisk behind; -p (real-time scheduling): on a machine that is
        # kept busy its many threads otherwise wait for seconds, and SIP with them
        command = ["setpriv", "--pdeathsig", "KILL", *self._private, *self._command, "-C", self._conf, "-f", "-p"]
        with self._log.open("ab") as log:
            # a process group of its own: Ctrl-C ends the bench, and the bench ends Asterisk
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                process_group=0,
                env={**os.environ, "LC_ALL": "C"},  # as deploy/systemd/asterisk.conf has it
            )

    def wait_ready(self, deadline_s: float = 20.0) -> None:
        """Returns when Asterisk says FullyBooted to a manager."""
        until = time.monotonic() + deadline_s
        while time.monotonic() < until:
            if self.process is None or self.process.poll() is not None:
                break
            with suppress(OSError), socket.create_connection((self.host, AMI_PORT), timeout=1) as ami:
                ami.settimeout(max(0.1, until - time.monotonic()))
                login = f"Action: Login\r\nUsername: lab\r\nSecret: {SECRET}\r\n\r\n"
                ami.sendall(login.encode())
                seen = b""
                while b"FullyBooted" not in seen:
                    chunk = ami.recv(65536)
                    if not chunk:
                        break
                    seen += chunk
                else:
                    return
            time.sleep(0.01)  # the port is not open yet; polled, since nothing announces it
        raise AssertionError(f"Asterisk of {self.name} did not start:\n" + self.log()[-3000:])

    def kill(self) -> None:
        """As by a power cut."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """As by `systemctl stop`: calls are hung up."""
        self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> None:
        if self.process is not None:
            self.process.send_signal(how)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(10)
            self.process = None

    def log(self) -> str:
        messages = self.etc.parent / "log" / "messages"
        files = [path.read_text(errors="replace") for path in (self._log, messages) if path.exists()]
        return "\n".join(files)


@dataclass(slots=True)
class Network:
    """Sites by name. `net` is N of 127.0.N.0/24. carrier: where callers come from; phones_host: where phones live."""

    net: int
    sites: dict[str, Site]
    tree: Path
    _lock: socket.socket = field(repr=False)

    @property
    def carrier(self) -> str:
        return f"127.0.{self.net}.11"

    @property
    def phones_host(self) -> str:
        return f"127.0.{self.net}.21"

    @property
    def strangers(self) -> str:
        """An address that no configuration names."""
        return f"127.0.{self.net}.99"

    @property
    def control(self) -> str:
        """Where the harness itself sends from; its packets are not SIP traffic of the network."""
        return f"127.0.{self.net}.250"

    def close(self) -> None:
        for site in self.sites.values():
            if site.process is not None:
                site.process.send_signal(signal.SIGKILL)
        for site in self.sites.values():
            site.kill()
        shutil.rmtree(self.tree, ignore_errors=True)
        shutil.rmtree(_memory(self.net), ignore_errors=True)
        self._lock.close()


@contextmanager
def running(specs: Iterable[SiteSpec]) -> Iterator[Network]:
    """Start these sites joined by trunks, all at once; they end with the block."""
    network = start(tuple(specs))
    try:
        yield network
    finally:
        network.close()


def start(specs: tuple[SiteSpec, ...]) -> Network:
    installation = _asterisk()
    assert installation is not None, why_not()
    net, lock = _claim_addresses(len(specs))
    shutil.rmtree(_memory(net), ignore_errors=True)
    if installation.root == Path("/"):
        tree = Path(tempfile.mkdtemp(prefix=f"callrouter-lab-{net}-"))
    else:
        tree = installation.root / "site" / str(net)  # nobody else has this number: what lies there is left over
        shutil.rmtree(tree, ignore_errors=True)
        hosts = f"127.0.0.1 localhost {socket.gethostname()}\n"
        (installation.root / "etc" / "hosts").write_text(hosts)
    addresses = {spec.name: f"127.0.{net}.{k}" for k, spec in enumerate(specs, 1)}
    network = Network(net, {}, tree, lock)
    try:
        for spec in specs:
            site = _write_site(installation, network, spec, addresses)
            network.sites[spec.name] = site
            site.start()
        for site in network.sites.values():
            site.wait_ready()
    except BaseException:
        network.close()
        raise
    return network


def _memory(net: int) -> Path:
    return Path("/dev/shm") / f"callrouter-lab-{net}"


def _database_in_memory(net: int, db: Path) -> tuple[str, ...]:
    """What to put before the command so that Asterisk's database lies in memory, where the machine allows it.

    Each registration is an fdatasync, under a lock that all SIP of phones needs: on a disk that other tests keep busy,
    Asterisk is silent for seconds. The database must outlive a restart of the site, so it is no private tmpfs.
    """
    if subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False).returncode != 0:
        return ()
    memory = _memory(net) / db.parent.name
    memory.mkdir(parents=True, exist_ok=True)
    bind = f'mount --bind "{memory}" "{db}" && exec "$@"'
    return ("unshare", "--mount", "--propagation", "private", "sh", "-c", bind, "sh")


def _claim_addresses(count: int) -> tuple[int, socket.socket]:
    """An N whose 127.0.N.0/24 nobody uses, and the socket that keeps others off it."""
    for net in range(31, 250):
        lock = socket.socket()
        try:
            lock.bind((f"127.0.{net}.254", _LOCK_PORT))
            lock.listen()
            for k in range(1, count + 1):
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
                    probe.bind((f"127.0.{net}.{k}", SIP_PORT))
        except OSError:
            lock.close()
            continue
        return net, lock
    raise AssertionError("no free loopback network between 127.0.31.0 and 127.0.249.0")


def _write_site(where: _Installation, network: Network, spec: SiteSpec, addresses: dict[str, str]) -> Site:
    base = network.tree / spec.name
    etc = base / "etc"
    for name in ("etc/manager.d", "etc/pjsip.d", "db", "run", "spool", "log", "lib", "keys"):
        (base / name).mkdir(parents=True, exist_ok=True)
    shipped = REPO / "deploy" / "asterisk"
    for name in _FIXED:
        shutil.copy(shipped / name, etc / name)
    sounds = base / "sounds"
    sounds.mkdir(exist_ok=True)
    for name in SOUNDS:
        _write_tone(sounds / f"{name}.wav")
    fixed = (REPO / "dialplans" / "callrouter.conf").read_text()
    folder = f"CR_SOUNDS={where.inside(sounds)}"
    (etc / "callrouter.conf").write_text(fixed.replace("CR_SOUNDS=callrouter", folder))
    (etc / "callrouter-site.conf").write_text(render(spec.dialplan))

    directories = {
        "astetcdir": etc, "astvarlibdir": base / "lib", "astdbdir": base / "db", "astkeydir": base / "keys",
        "astspooldir": base / "spool", "astrundir": base / "run", "astlogdir": base / "log",
    }  # fmt: skip
    text = (shipped / "asterisk.conf").read_text()
    for key, path in directories.items():
        text = re.sub(rf"^{key} => .*$", f"{key} => {where.inside(path)}", text, flags=re.MULTILINE)
    text = re.sub(r"^astmoddir => .*$", f"astmoddir => {where.modules}", text, flags=re.MULTILINE)
    text = re.sub(r"^systemname = .*$", f"systemname = {spec.name}", text, flags=re.MULTILINE)
    (etc / "asterisk.conf").write_text(text)

    host = addresses[spec.name]
    (etc / "manager.d" / "site.conf").write_text(_manager(host))
    control = (shipped / "manager.d" / "phones.conf.example").read_text()
    (etc / "manager.d" / "phones.conf").write_text(re.sub(r"(?m)^secret = .*$", f"secret = {SECRET}", control))
    (etc / "pjsip.d" / "site.conf").write_text(_trunks(spec, network, addresses))
    (etc / "pjsip.d" / "phones.conf").write_text(
        "".join(_phone(phone, spec.password) for phone in spec.dialplan.phones)
    )
    private = _database_in_memory(network.net, base / "db")
    conf, log = where.inside(etc / "asterisk.conf"), base / "console.log"
    return Site(spec.name, host, spec.dialplan.phones, spec.password, etc, conf, where.command, log, private)


def _write_tone(path: Path) -> None:
    """A third of a second of 440 Hz, as Asterisk wants it: 8 kHz, mono, 16 bit."""
    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        tone = (int(8000 * math.sin(2 * math.pi * 440 * i / 8000)) for i in range(2666))
        sound.writeframes(b"".join(value.to_bytes(2, "little", signed=True) for value in tone))


def _manager(host: str) -> str:
    # `lab` is the test bench's own way in; the router under test logs in as `callrouter`, exactly as shipped
    return f"""
[general](+)
bindaddr = {host}
[callrouter](+)
secret = {SECRET}
[lab]
secret = {SECRET}
read = system,call,user
write = system,call,command,reporting,originate,user
writetimeout = 5000
"""


def _trunks(spec: SiteSpec, network: Network, addresses: dict[str, str]) -> str:
    host = addresses[spec.name]
    blocks = [
        f"""
[udp]
type = transport
protocol = udp
bind = {host}:{SIP_PORT}
[carrier](callrouter-carrier)
transport = udp
aors = carrier
bind_rtp_to_media_address = yes
media_address = {host}
[carrier](callrouter-carrier-aor)
contact = sip:{network.carrier}:{SIP_PORT}
[carrier]
type = identify
endpoint = carrier
match = {network.carrier}
"""
    ]
    blocks += [f"""
[{peer}](callrouter-site)
transport = udp
aors = {peer}
bind_rtp_to_media_address = yes
media_address = {host}
[{peer}](callrouter-site-aor)
contact = sip:{address}:{SIP_PORT}
[{peer}]
type = identify
endpoint = {peer}
match = {address}
""" for peer, address in addresses.items() if peer != spec.name]  # fmt: skip
    return "".join(blocks)


def _phone(name: str, password: str) -> str:
    return f"""
[{name}](callrouter-phone)
transport = udp
auth = {name}
aors = {name}
callerid = "{name}" <{name}>
[{name}](callrouter-phone-auth)
username = {name}
password = {password}
[{name}](callrouter-phone-aor)
"""
