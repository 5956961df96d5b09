"""What commands have in common that work on a service's database beside it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import click
from sqlalchemy.ext.asyncio import AsyncEngine

from callrouter import wiring
from callrouter.callers import Callers
from callrouter.config.load import Loaded, load
from callrouter.config.secret import Secret, SecretError
from callrouter.config.source import ConfigError
from callrouter.store.store import FAULTS, open_engine, place_of, said

T = TypeVar("T")


def with_database(folder: Path, do: Callable[[AsyncEngine, Callers], Awaitable[T]]) -> tuple[Loaded, T]:
    """Do it with the database that the configuration in `folder` names. What is wrong is said; exit status 2."""

    async def work(loaded: Loaded) -> T:
        service = loaded.network.service
        callers = wiring.callers(service, service.state_dir, Secret.reveal)
        engine = await open_engine(wiring.database_url(service, service.state_dir))
        try:
            return await do(engine, callers)
        finally:
            await engine.dispose()

    try:
        loaded = load(folder)
        return loaded, asyncio.run(work(loaded))
    except ConfigError as error:
        for problem in error.problems:
            click.echo(str(problem), err=True)
        raise SystemExit(2) from error
    except FAULTS as error:
        service = loaded.network.service
        place = place_of(wiring.database_url(service, service.state_dir))
        click.echo(f"error: the database {place}: {said(error)}", err=True)
        raise SystemExit(2) from error
    except (SecretError, ValueError) as error:
        click.echo(f"error: {error}", err=True)
        raise SystemExit(2) from error
