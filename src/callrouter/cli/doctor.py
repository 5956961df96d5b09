"""`callrouter doctor`: do the sites' Asterisks fit the configuration? A second opinion beside the link's own."""

from __future__ import annotations

import ssl
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import click

from callrouter.ami.doctor import Finding, Level, Patient, examine
from callrouter.config.dialplan import DIALPLAN_VERSION, dialplan_of
from callrouter.config.load import Loaded, load
from callrouter.config.secret import SecretError
from callrouter.config.source import ConfigError
from callrouter.core.plan import Plan
from callrouter.wiring import connections


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), default=Path("config"))
@click.option("--site", "only", multiple=True, help="Only this site (may be given several times).")
@click.option("--timeout", "timeout_s", type=click.FloatRange(0.1, 60), default=5.0, help="Seconds for each answer.")
def doctor(folder: Path, only: tuple[str, ...], timeout_s: float) -> None:
    """Examine each site's Asterisk: reachability, rights, dialplan, events, phones, trunks, clock.

    Prints what is good, what is wrong and the mend. Changes nothing. Ends with status 1 if there is an error.
    """
    try:
        loaded = load(folder)
    except ConfigError as error:
        for problem in error.problems:
            click.echo(str(problem))
        raise SystemExit(1) from None
    sites = list(loaded.network.sites)
    unknown = sorted(set(only) - set(sites))
    if unknown:
        raise click.ClickException(f"no site {', '.join(unknown)} in {folder}; there are: {', '.join(sites)}")
    wanted = [name for name in sites if not only or name in only]
    with ThreadPoolExecutor(max_workers=8) as pool:
        errors = warnings = 0
        for findings in pool.map(lambda name: _site(loaded, name, timeout_s), wanted):
            for finding in findings:
                colour = {Level.ERROR: "red", Level.WARNING: "yellow", Level.GOOD: "green"}[finding.level]
                click.echo(click.style(str(finding), fg=colour))
                errors += finding.level is Level.ERROR
                warnings += finding.level is Level.WARNING
    click.echo(f"{len(wanted)} sites examined: {errors} errors, {warnings} warnings")
    raise SystemExit(1 if errors else 0)


def _site(loaded: Loaded, name: str, timeout_s: float) -> list[Finding]:
    try:
        patient = patient_of(loaded, name)
    except SecretError as error:
        return [Finding(name, Level.ERROR, "its secret cannot be read", str(error))]
    except (OSError, ssl.SSLError) as error:
        return [Finding(name, Level.ERROR, f"its certificates cannot be read: {error}", "see tls.ca")]
    return examine(patient, timeout_s)


def patient_of(loaded: Loaded, name: str) -> Patient:
    """What the configuration expects of one site. Raises SecretError, OSError, ssl.SSLError."""
    network = loaded.network.model_copy(update={"sites": {name: loaded.network.sites[name]}})
    one = connections(network, lambda secret: secret.reveal())[name]
    control = network.sites[name].asterisk.phone_control
    expected = dialplan_of(loaded, name)
    reached = {site: _reached(loaded.plan, site) - {site} for site in loaded.network.sites}
    return Patient(
        site=name,
        host=one.host,
        port=one.port,
        user=one.user,
        secret=one.secret,
        tls=one.context(),
        server_name=one.server_name or "",
        dialplan=DIALPLAN_VERSION,
        carrier=expected.carrier,
        numbers=expected.numbers,
        phones=tuple(dict.fromkeys((*expected.phones, *expected.failsafe))),
        peers=tuple(sorted(reached[name])),
        rung_from=tuple(sorted(site for site, others in reached.items() if name in others)),
        phone_control=(control.user, control.secret.reveal()) if control else None,
    )


def _reached(plan: Plan, site: str) -> set[str]:
    """Sites whose phones the calls of this one's hotlines may ring, by their own teams and by agreements."""
    teams: set[str] = set()
    for hotline in plan.hotlines:
        if hotline.site == site:
            teams.update(hotline.teams, *(topic.teams for topic in hotline.topics))
    teams |= {agreement.lender for agreement in plan.agreements if agreement.borrower in teams}
    return {team.site for team in plan.teams if team.name in teams}
