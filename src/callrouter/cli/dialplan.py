"""`callrouter dialplan`: the site's part of the dialplan, and the fixed part that belongs to this release."""

from __future__ import annotations

from pathlib import Path

import click

from callrouter.config.dialplan import BadDialplan, dialplan_of, render
from callrouter.config.load import load
from callrouter.config.source import ConfigError


@click.group()
def dialplan() -> None:
    """The dialplan that each site's Asterisk needs."""


@dialplan.command("render")
@click.option("--site", required=True, help="Name of the site.")
@click.option("--outside-prefix", default="", help="Let phones dial out over the carrier behind this prefix, e.g. 0.")
@click.argument("config_dir", type=click.Path(file_okay=False, path_type=Path), default=Path("config"))
def render_(site: str, outside_prefix: str, config_dir: Path) -> None:
    """Print callrouter-site.conf of one site, from the same YAML that the router reads."""
    try:
        loaded = load(config_dir)
        if site not in loaded.network.sites:
            known = ", ".join(loaded.network.sites) or "none"
            raise click.ClickException(f"no site {site!r} in {config_dir}; there are: {known}")
        click.echo(render(dialplan_of(loaded, site, outside_prefix)), nl=False)
    except (ConfigError, BadDialplan) as error:
        raise click.ClickException(str(error)) from None


@dialplan.command("fixed")
def fixed() -> None:
    """Print callrouter.conf, the part that is the same at every site, of the version that this release needs."""
    click.echo(fixed_file().read_text(encoding="utf-8"), nl=False)


def fixed_file() -> Path:
    """dialplans/callrouter.conf: beside the sources in a clone, inside the package when installed."""
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "dialplans", package.parents[1] / "dialplans"):
        if (folder / "callrouter.conf").is_file():
            return folder / "callrouter.conf"
    raise click.ClickException("callrouter.conf is missing from this installation")
