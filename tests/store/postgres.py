"""A PostgreSQL server of its own in a temporary folder, reached by a socket that only the tests can open."""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from tests.needs import lacking

SETTINGS = "-c listen_addresses='' -c fsync=off -c max_connections=40 -c unix_socket_directories={folder}"


def binaries() -> Path:
    """Where initdb and pg_ctl are; skips (fails in CI) when they are nowhere."""
    on_path = shutil.which("initdb")
    found = [Path(on_path).resolve().parent] if on_path else []
    found += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    for folder in found:
        if (folder / "initdb").exists():
            return folder
    return lacking("PostgreSQL", "sh tests/postgres.sh")


def somebody() -> str | None:
    """Whom the server runs as: it refuses to run as root. None: ourselves."""
    if os.getuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in ("postgres", "nobody") if name in names)


@contextmanager
def cluster() -> Iterator[str]:
    """The SQLAlchemy URL of a fresh server, without a database's name. Gone at the end."""
    programs, user = binaries(), somebody()
    name = user or pwd.getpwuid(os.getuid()).pw_name
    with tempfile.TemporaryDirectory(prefix="callrouter-pg-", ignore_cleanup_errors=True) as temporary:
        folder = Path(temporary)
        if user:
            shutil.chown(folder, user)

        def run(program: str, *arguments: str) -> None:
            done = subprocess.run(
                [programs / program, *arguments], user=user, group=pwd.getpwnam(name).pw_gid if user else None,
                cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
            )  # fmt: skip
            assert done.returncode == 0, done.stdout.decode()

        data, log = str(folder / "data"), str(folder / "log")
        run("initdb", "-D", data, "-U", "tests", "-A", "trust", "--no-sync")
        run("pg_ctl", "-D", data, "-l", log, "-o", SETTINGS.format(folder=folder), "-w", "-t", "60", "start")
        try:
            yield f"postgresql+asyncpg://tests@/{{database}}?host={folder}"
        finally:
            run("pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")


def made(postgres: str) -> str:
    """A new, empty database on the server."""
    name = f"d{uuid4().hex}"

    async def create() -> None:
        engine = create_async_engine(postgres.format(database="postgres"), isolation_level="AUTOCOMMIT")
        async with engine.connect() as connection:
            await connection.execute(text(f"CREATE DATABASE {name}"))
        await engine.dispose()

    asyncio.run(create())
    return postgres.format(database=name)
