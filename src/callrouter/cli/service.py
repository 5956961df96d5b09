"""`callrouter run`: the service itself, until SIGTERM or SIGINT; SIGHUP reads the configuration again."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from pathlib import Path

import click
import structlog

from callrouter import app, logs
from callrouter.config.load import Loaded, load
from callrouter.config.secret import SecretError
from callrouter.config.source import ConfigError
from callrouter.web.service import CannotListen

log = structlog.get_logger(__name__)


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), default=Path("config"))
@click.option("--log-level", type=click.Choice(["debug", "info", "warning", "error"]), default="info")
@click.option("--log-format", type=click.Choice(logs.FORMATS), default="auto", help="auto: JSON unless on a terminal.")
def run(folder: Path, log_level: str, log_format: str) -> None:
    """Route calls as the configuration in FOLDER says.

    Exit status: 0 after SIGTERM or SIGINT, 1 if the service broke, 2 if it could not start.
    """
    logs.set_up(log_level, log_format)
    try:
        loaded = load(folder)
    except ConfigError as error:
        for problem in error.problems:
            click.echo(str(problem), err=True)
        raise SystemExit(2) from error
    for warning in (*loaded.unguided, *loaded.warnings):
        log.warning("configuration", problem=str(warning))
    try:
        raise SystemExit(asyncio.run(_run(loaded, folder)))
    except (SecretError, ValueError) as error:
        click.echo(f"error: {error}", err=True)
        raise SystemExit(2) from error


async def _run(loaded: Loaded, folder: Path) -> int:
    loop = asyncio.get_running_loop()
    try:
        service = app.Service(loaded, app.Options(folder=folder))
    except OSError as error:  # certificates
        click.echo(f"error: {error}", err=True)
        return 2
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, service.request_stop)
    loop.add_signal_handler(signal.SIGHUP, service.request_reload)
    watchdog = asyncio.create_task(_watchdog())
    try:
        await app.run(service, lambda _: notify("READY=1"))
    except CannotListen as error:
        click.echo(f"error: {error}; stop that one, or write another address (service: listen)", err=True)
        return 2
    except Exception:
        log.exception("the service broke")
        return 1
    finally:
        notify("STOPPING=1")
        watchdog.cancel()
        await asyncio.gather(watchdog, return_exceptions=True)
    return 0


def notify(state: str) -> None:
    """Tell systemd, if it started us (sd_notify(3)); otherwise nothing. Waits for nobody: this is the loop's thread."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as unix:
        unix.setblocking(False)
        try:
            unix.connect("\0" + address[1:] if address.startswith("@") else address)
            unix.send(state.encode())
        except OSError as error:
            log.warning("systemd could not be told", state=state, error=str(error))


async def _watchdog() -> None:
    """A loop that no longer turns is killed and started again by systemd (WatchdogSec=)."""
    usec = os.environ.get("WATCHDOG_USEC", "")
    if not usec.isdecimal() or os.environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return
    while True:
        notify("WATCHDOG=1")
        await asyncio.sleep(int(usec) / 2_000_000)
