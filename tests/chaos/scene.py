"""What stands before anything happens: a network of sites, hotlines, teams and agreements, drawn from a seed as data.

A configuration is a plain mapping that is written as the YAML of a real configuration folder. `changed` makes the ones
that are put in force while calls are alive. Knows nothing of faults or of how calls are served.
"""

from __future__ import annotations

import json
import random
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC).timestamp()  # a Monday, ten o'clock at the sites
TODAY = date(2026, 11, 23)
TOKEN = "a-token-for-the-supervisors-0123"
SECRET = "virtual"
SITES = {"gera": 5041, "gotha": 5042, "magdeburg": 5043}  # their ports
NUMBERS = {"gera": "0365555", "gotha": "0362155", "magdeburg": "0302312"}
UNKNOWN = "0999"

Config = dict[str, Any]


@dataclass(frozen=True)
class Scene:
    """phones: per site, those of agents. numbers: what callers dial, with the site whose trunk brings it."""

    config: Config
    phones: dict[str, tuple[str, ...]]
    numbers: tuple[tuple[str, str], ...]

    @property
    def sites(self) -> tuple[str, ...]:
        return tuple(self.phones)

    def may_be_closed(self, number: str) -> bool:
        """Has the hotline of this number opening hours?"""
        return any("hours" in one and number in json.dumps(one["numbers"]) for one in self.config["hotlines"].values())


def draw(rng: random.Random, database: str) -> Scene:
    """database: its SQLAlchemy URL."""
    names = list(SITES)[: rng.choice([2, 2, 3])]
    config: Config = {"sites": {}, "hotlines": {}, "teams": {}, "agreements": {}}
    phones: dict[str, list[str]] = {}
    for index, site in enumerate(names):
        config["sites"][site] = _site(rng, site, index)
        phones[site] = []
        for part in range(rng.choice([1, 1, 2])):
            team = f"{site}-{part}"
            numbers = [str(1000 * (index + 2) + 100 * part + one + 1) for one in range(rng.randint(1, 4))]
            phones[site] += numbers
            config["teams"][team] = _team(rng, site, numbers)
            config["hotlines"][f"h-{team}"] = _hotline(rng, site, team, part)
    for number in range(rng.choice([0, 1, 1, 2, 3])):
        _agree(rng, config, f"deal-{number}")
    _keep_sensible(config)
    config["service"] = {
        "listen": "127.0.0.1:0",
        "tokens": [{"name": "supervisor", "secret": {"file": "token"}}],
        "caller_key": {"file": "key"},
        "database": database,
        "inbox_max": str(rng.choice([100, 20_000, 20_000])),
        "journal": {"rotate_mb": "1"},
    }
    return Scene(config, {site: tuple(some) for site, some in phones.items()}, _dialled(config))


def changed(config: Config, rng: random.Random) -> Config:
    """A configuration that is as good and says something else."""
    new = deepcopy(config)
    for _ in range(rng.randint(1, 3)):
        what = rng.choice(["ring", "agents", "hotline", "deal", "deal", "limits", "menu"])
        team = rng.choice(list(new["teams"]))
        hotline = rng.choice(list(new["hotlines"]))
        if what == "ring":
            new["teams"][team]["ring_s"] = str(rng.randint(4, 15))
        elif what == "agents" and len(new["teams"][team]["agents"]) > 1:
            new["teams"][team]["agents"].pop()
        elif what == "hotline" and len(new["hotlines"]) > 1:
            del new["hotlines"][hotline]
            for deal in new["agreements"].values():
                deal["hotlines"] = []
        elif what == "deal" and new["agreements"]:
            deal = new["agreements"][rng.choice(list(new["agreements"]))]
            deal["max_calls"] = str(rng.randint(1, 4))
            deal["enabled"] = rng.random() < 0.7
        elif what == "deal":
            _agree(rng, new, "deal-new")
        elif what == "limits":
            new["hotlines"][hotline]["ring_max_s"] = rng.choice(["20", "50", None])
        else:
            new["hotlines"][hotline].pop("menu", None)
    _keep_sensible(new)
    return new


def write(folder: Path, config: Config | str) -> None:
    """Into a configuration folder; text is written as it is, to be refused."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "ami").write_text(SECRET + "\n")
    (folder / "token").write_text(TOKEN + "\n")
    (folder / "key").write_text("a key that all routers have, so that they know the same callers\n")
    text = config if isinstance(config, str) else json.dumps(config, indent=1)
    (folder / "network.yaml").write_text(text)


def _site(rng: random.Random, site: str, index: int) -> Config:
    phones = [str(1000 * (index + 2) + 1)]
    return {
        "title": site,
        "land": "TH",
        "asterisk": {"host": "127.0.0.1", "port": str(SITES[site]), "user": "callrouter", "secret": {"file": "ami"}},
        "trunk": {"sip": f"127.0.1.{index + 1}:5060", "early_media": rng.random() < 0.9},
        "failsafe": {"phones": phones if rng.random() < 0.7 else [], "ring_s": "15"},
    }


def _team(rng: random.Random, site: str, numbers: list[str]) -> Config:
    skills = [{}, {}, {"letters": "3"}, {"letters": "5", "figures": "2"}]
    return {
        "title": "team",
        "site": site,
        "strategy": rng.choice(["longest_idle", "longest_idle", "fewest_calls", "round_robin", "ring_all"]),
        "ring_s": str(rng.randint(4, 12)),
        "wrap_up_s": rng.choice(["0", "2", "6"]),
        "refusal_pause_s": "5",
        "agents": [{"number": number, "skills": rng.choice(skills)} for number in numbers],
    }


def _hotline(rng: random.Random, site: str, team: str, part: int) -> Config:
    number = f"{NUMBERS[site]}{part}"
    topics: Config = {"plain": {"title": "plain"}}
    if rng.random() < 0.5:
        relax = [{"after_s": "8", "needs": {}}]
        topics["letters"] = {"title": "letters", "needs": {"letters": "3"}, "relax": relax, "priority": str(part)}
    hotline: Config = {
        "title": "hotline",
        "site": site,
        "numbers": [f"{number}0", {"number": f"{number}1", "topic": list(topics)[-1]}],
        "teams": [team],
        "topics": topics,
        "default_topic": "plain",
        "target_s": "20",
        "ring_max_s": rng.choice(["0", "12", "30", "60", "110", "110", None]),
        "line_max": rng.choice(["2", "1000", "1000"]),
        "affinity_s": rng.choice(["0", "0", "60"]),
        "redial_window_s": "60",
        "announcements": {},
    }
    for name in ("welcome", "busy", "notice"):
        if rng.random() < 0.4:
            hotline["announcements"][name] = "Guten Tag."
    if rng.random() < 0.15:  # it closes, or opens, in the midst of it
        hotline["hours"] = {"Mon": rng.choice(["08:00-10:02", "10:01-18:00", "11:00-12:00"])}
        hotline["announcements"]["closed"] = "Geschlossen {opening}"
    if rng.random() < 0.5 and hotline["ring_max_s"] not in ("0", "12"):
        options = {"1": list(topics)[-1], "2": "plain"}
        hotline["menu"] = {"prompt": "Bitte.", "options": options, "wait_s": "3", "tries": rng.choice(["1", "2"])}
    hotline["nobody"] = rng.choice(["busy", "announce", "callback", "callback"])
    hotline["callback"] = {
        "reserve": rng.choice(["0", "1"]),
        "wait_s": "3",
        "tries_max": "2",
        "pause_s": "60",
        "dial_s": "10",
    }
    return hotline


def _agree(rng: random.Random, config: Config, name: str) -> None:
    teams = list(config["teams"])
    if len(teams) < 2:
        return
    borrower, lender = rng.sample(teams, 2)
    if any({borrower, lender} == {one["borrower"], one["lender"]} for one in config["agreements"].values()):
        return
    config["agreements"][name] = {
        "borrower": borrower,
        "lender": lender,
        "mutual": rng.random() < 0.4,
        "hotlines": [],
        "reserve": rng.choice(["0", "0", "1"]),
        "max_calls": rng.choice([None, "1", "2"]),
        "after_s": rng.choice(["0", "0", "4"]),
        "lender_health": rng.choice([0.0, 0.0, 0.5]),
        "enabled": rng.random() < 0.85,
    }


def _keep_sensible(config: Config) -> None:
    """What the loader would refuse: a reserve that a small team cannot keep."""
    for deal in config["agreements"].values():
        sizes = [len(config["teams"][deal[end]]["agents"]) for end in ("lender", "borrower")]
        if min(sizes if deal["mutual"] else sizes[:1]) < 2:
            deal["reserve"] = "0"


def _dialled(config: Config) -> tuple[tuple[str, str], ...]:
    found = []
    for hotline in config["hotlines"].values():
        for number in hotline["numbers"]:
            found.append((hotline["site"], number if isinstance(number, str) else number["number"]))
    return tuple(found)
