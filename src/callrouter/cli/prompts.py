"""`callrouter prompts build` and `check`: the texts of the configuration as sounds that Asterisk plays."""

from __future__ import annotations

import json
from pathlib import Path

import click

from callrouter.config.load import Loaded, load
from callrouter.config.messages import did_you_mean
from callrouter.config.source import ConfigError, Place, Problem
from callrouter.config.spoken import Prompt, prompts_of
from callrouter.prompts import shelf
from callrouter.prompts.voice import NoVoice

_SHOWN = 5
_FOLDER = click.argument("folder", type=click.Path(path_type=Path), default=Path("config"))
_OUT = click.option(
    "--out", type=click.Path(path_type=Path), help="Folder of the sounds; default: service.prompts_dir."
)
_SITE = click.option("--site", default="", help="Only what the hotlines of this site play.")


@click.group()
def prompts() -> None:
    """Speak the texts of menus and announcements to sound files, and say which are missing or stale."""


@prompts.command()
@_FOLDER
@_OUT
@_SITE
@click.option("--all", "anew", is_flag=True, help="Also what has not changed.")
def build(folder: Path, out: Path | None, site: str, anew: bool) -> None:
    """Speak what changed in FOLDER with espeak-ng, at 8 and 16 kHz, and remove what is no longer said.

    A recording of one's own, FOLDER/recordings/NAME.wav, is taken instead of the voice.
    """
    loaded, where = _loaded(folder, out)
    wanted = wanted_of(loaded, site)
    try:
        built = shelf.build(wanted, where, folder / shelf.RECORDINGS, anew=anew)
        strays = shelf.look(wanted, where, folder / shelf.RECORDINGS).strays
    except (shelf.ShelfError, NoVoice, OSError) as error:
        click.echo(f"error: {error}", err=True)
        raise SystemExit(1) from None
    for name in strays:
        click.echo(str(_stray(name, wanted, folder)))
    click.echo(
        f"{where}: {len(built.spoken)} spoken, {len(built.recorded)} from recordings, {built.unchanged} unchanged, "
        f"{len(built.removed)} removed"
    )


@prompts.command()
@_FOLDER
@_OUT
@_SITE
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of lines.")
def check(folder: Path, out: Path | None, site: str, as_json: bool) -> None:
    """Name the sounds that are missing or stale; status 1 if there are any."""
    loaded, where = _loaded(folder, out)
    wanted = wanted_of(loaded, site)
    try:
        state = shelf.look(wanted, where, folder / shelf.RECORDINGS)
    except (shelf.ShelfError, OSError) as error:
        click.echo(f"error: {error}", err=True)
        raise SystemExit(1) from None
    if as_json:
        answer = {
            "ok": state.complete,
            "prompts": len(wanted),
            "missing": state.missing,
            "stale": state.stale,
            "unused": state.unused,
            "stray_recordings": state.strays,
        }
        click.echo(json.dumps(answer, indent=2))
    else:
        for kind, names in (("missing", state.missing), ("stale", state.stale), ("unused", state.unused)):
            for name in names:
                click.echo(f"{kind}: {name}")
        for name in state.strays:
            click.echo(str(_stray(name, wanted, folder)))
        good = "good" if state.complete else f"{len(state.missing)} missing, {len(state.stale)} stale"
        click.echo(f"{where}: {good} ({len(wanted)} prompts)")
    raise SystemExit(0 if state.complete else 1)


def wanted_of(loaded: Loaded, site: str = "") -> tuple[Prompt, ...]:
    """Every prompt of the configuration, or of one site's hotlines. Ends with a clear error for an unknown site."""
    sites = loaded.network.sites
    if site and site not in sites:
        click.echo(f"error: site '{site}' does not exist; {did_you_mean(site, sites)}", err=True)
        raise SystemExit(2)
    hotlines = {name: one for name, one in loaded.network.hotlines.items() if site in ("", one.site)}
    return prompts_of(hotlines, loaded.plan.hotlines)


def warnings_of(loaded: Loaded, folder: Path) -> list[Problem]:
    """For `callrouter check`: what is wrong with the sounds in service.prompts_dir; nothing where that is not set."""
    where = loaded.network.service.prompts_dir
    if where is None:
        return []
    wanted = wanted_of(loaded)
    try:
        state = shelf.look(wanted, where, folder / shelf.RECORDINGS)
    except (shelf.ShelfError, OSError) as error:
        return [Problem(Place(str(where)), str(error), warning=True)]
    found = [_stray(name, wanted, folder) for name in state.strays]
    for kind, names in (("missing", state.missing), ("stale", state.stale)):
        if names:
            more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
            what = f"prompts are {kind}: {', '.join(names[:_SHOWN])}{more}"
            found.append(Problem(Place(str(where)), what, "run 'callrouter prompts build'", warning=True))
    return found


def _stray(name: str, wanted: tuple[Prompt, ...], folder: Path) -> Problem:
    place = Place(str(folder / shelf.RECORDINGS / f"{name}.wav"))
    return Problem(place, "no text asks for this recording", shelf.stray_mend(name, wanted), warning=True)


def _loaded(folder: Path, out: Path | None) -> tuple[Loaded, Path]:
    try:
        loaded = load(folder)
    except ConfigError as error:
        for problem in error.problems:
            click.echo(str(problem), err=True)
        raise SystemExit(1) from None
    where = out or loaded.network.service.prompts_dir
    if where is None:
        click.echo("error: where are the sounds? give --out DIR, or set service.prompts_dir", err=True)
        raise SystemExit(2)
    return loaded, where
