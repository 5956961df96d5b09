"""What a good folder becomes."""

from __future__ import annotations

from pathlib import Path

import pytest

from callrouter.config.load import load
from callrouter.core.plan import Hours, Number, Relaxation, Span, Strategy
from tests.config.folders import folder

OFFICE = (Span(28_800, 64_800),)


def test_numbers_and_times_stay_text(tmp_path: Path) -> None:
    """Leading zeros, +49 and 08:00 survive YAML, quoted or not."""
    where = folder(
        tmp_path,
        more="""
hotlines:
  aachen:
    title: Aachen
    site: gera
    numbers: [0241886810, +49 241 886811, {number: 0241-886812, digits: 0012}, "0241-886813"]
    hours: {Mon: 08:00-12:00}
    teams: agency-gera
teams:
  night:
    title: 007
    site: gera
    agents: [0815, {from: 0098, count: 4}]
""",
    )
    plan = load(where).plan
    hotline = next(one for one in plan.hotlines if one.name == "aachen")
    assert hotline.numbers == tuple(map(Number, ("0241886810", "49241886811", "0012", "0241886813")))
    night = [agent for agent in plan.agents if agent.team == "night"]
    assert [agent.id for agent in night] == ["gera/0815", "gera/0098", "gera/0099", "gera/0100", "gera/0101"]
    assert [agent.phone for agent in night] == ["0815", "0098", "0099", "0100", "0101"]
    assert next(team for team in plan.teams if team.name == "night").title == "007"


def test_hours_have_spans_special_days_and_the_zone_of_the_site(tmp_path: Path) -> None:
    """Week, several spans a day and dates that replace the week reach the plan sorted."""
    where = folder(
        tmp_path,
        more="""
hotlines:
  aachen:
    title: Aachen
    site: gera
    numbers: 0241-886810
    hours:
      Mon,Wed-Fri: 08:00-18:00
      Sat: [13:00-15:30, 09:00-12:00]
      2026-12-31: 08:00-12:00
      2026-12-24: closed
      holidays: open
    teams: agency-gera
""",
    )
    hotline = next(one for one in load(where).plan.hotlines if one.name == "aachen")
    saturday = (Span(32_400, 43_200), Span(46_800, 55_800))
    assert hotline.hours == Hours(
        zone="Europe/Berlin",
        weekly=(OFFICE, (), OFFICE, OFFICE, OFFICE, saturday, ()),
        days=(("2026-12-24", ()), ("2026-12-31", (Span(28_800, 43_200),))),
    )


def test_a_hotline_without_hours_is_always_open(tmp_path: Path) -> None:
    """No hours, or 'always', is no limit; a hotline without topics has one general topic."""
    text = "hotlines:\n  h:\n    title: H\n    site: gera\n    numbers: 030 23125 000\n    teams: agency-gera\n"
    for name, more in (("absent", ""), ("said", "    hours: always\n")):
        where = tmp_path / name
        where.mkdir()
        hotline = next(one for one in load(folder(where, more=text + more)).plan.hotlines if one.name == "h")
        assert hotline.hours is None
        assert [topic.name for topic in hotline.topics] == [hotline.default_topic] == ["general"]


def test_a_mutual_agreement_is_two_directions_of_one_name(tmp_path: Path) -> None:
    """Each direction has the reserve and the cap of its own lender; the window keeps the borrower's clock."""
    where = folder(
        tmp_path,
        more="""
agreements:
  gera-gotha:
    borrower: agency-gera
    lender: agency-gotha
    mutual: true
    topics: general
    reserve: {agency-gera: 2}
    max_calls: {agency-gotha: 3, agency-gera: 4}
    after_s: 10
    from: 2026-12-01
    until: 2026-12-31
    lender_health: 0.8
    enabled: no
  other:
    borrower: agency-gera
    lender: agency-gotha
    topics: [benefit]
    reserve: 1
    window: {Mon-Fri: 08:00-18:00}
teams:
  night: {title: N, site: gotha, agents: [{number: 3101, skills: {benefit: 3}}]}
""".replace("lender: agency-gotha\n    topics: [b", "lender: night\n    topics: [b"),
    )
    there, back, other = load(where).plan.agreements
    assert [there.name, back.name, other.name] == ["gera-gotha", "gera-gotha", "other"]
    assert (there.borrower, there.lender, there.reserve, there.max_calls) == ("agency-gera", "agency-gotha", 0, 3)
    assert (back.borrower, back.lender, back.reserve, back.max_calls) == ("agency-gotha", "agency-gera", 2, 4)
    assert there.window == Hours("Europe/Berlin", ((Span(0, 86_400),),) * 7, (), "2026-12-01", "2026-12-31")
    assert (there.after_s, there.lender_health, there.enabled, there.topics) == (10.0, 0.8, False, ("general",))
    assert (other.reserve, other.max_calls, other.enabled) == (1, None, True)
    assert other.window == Hours("Europe/Berlin", (*(OFFICE,) * 5, (), ()))


def test_skills_and_relaxation_reach_the_plan_sorted(tmp_path: Path) -> None:
    """Skills are sorted by name, steps of relaxation by time, and every setting of a team arrives."""
    where = folder(
        tmp_path,
        more="""
hotlines:
  h:
    title: H
    site: gera
    numbers: 030 23125 000
    teams: [night]
    topics:
      t: {title: T, needs: {turkish: 3, benefit: 2}, relax: [{after_s: 2.5, needs: {benefit: 1}}, {after_s: 60}]}
    ring_max_s: null
teams:
  night:
    title: N
    site: gera
    strategy: ring_all
    ring_s: 15
    wrap_up_s: 12.5
    ring_all_max: 3
    agents: [{number: 2101, skills: {turkish: 3, benefit: 2}}]
""",
    )
    plan = load(where).plan
    (topic,) = next(one for one in plan.hotlines if one.name == "h").topics
    assert topic.needs == (("benefit", 2), ("turkish", 3))
    assert topic.relax == (Relaxation(2.5, (("benefit", 1),)), Relaxation(60.0, ()))
    team = next(one for one in plan.teams if one.name == "night")
    assert (team.strategy, team.ring_s, team.wrap_up_s, team.ring_all_max) == (Strategy.RING_ALL, 15, 12.5, 3)
    assert next(agent for agent in plan.agents if agent.team == "night").skills == (("benefit", 2), ("turkish", 3))


def test_any_split_into_files_is_the_same_plan(tmp_path: Path) -> None:
    """One file or several, with or without comments: same plan, same version; other content, another version."""
    one, several, other = (tmp_path / name for name in ("one", "several", "other"))
    for where in (one, several, other):
        where.mkdir()
    text = (folder(one) / "a_network.yaml").read_text(encoding="utf-8")
    sites, _, rest = text.partition("hotlines:")
    (several / "b.yml").write_text(f"hotlines:{rest}\n# a comment\n")
    (several / "a.yaml").write_text(sites)
    (several / ".hidden.yaml").write_text("nonsense")
    (several / "notes.txt").write_text("nonsense")
    (several / "z_empty.yaml").write_text("# nothing yet\nagreements:\n")
    (other / "a.yaml").write_text(text.replace("count: 4", "count: 5"))
    assert load(one).plan == load(several).plan
    assert load(one).plan.version != load(other).plan.version


def test_old_yaml_switches_mean_what_they_say(tmp_path: Path) -> None:
    """yes, no, on and off are switches in YAML 1.1 and in 1.2."""
    text = "agreements:\n  a: {borrower: agency-gotha, lender: agency-gera, enabled: no, mutual: off}\n"
    for head in ("", "%YAML 1.1\n---\n"):
        (agreement,) = load(folder(tmp_path, more=head + text)).plan.agreements
        assert not agreement.enabled
    (agreement,) = load(folder(tmp_path, more="%YAML 1.1\n---\n" + text.replace("no", "yes"))).plan.agreements
    assert agreement.enabled


def test_paths_are_relative_to_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A certificate and a secret file are found beside the YAML files, wherever the process was started."""
    where = folder(
        tmp_path,
        more="""
sites:
  aachen:
    title: Aachen
    land: NW
    asterisk: {host: pbx.example, port: 5039, user: u, secret: {file: ami.secret}, tls: {ca: ca.pem}}
    trunk: {sip: "[2001:db8::1]:5061"}
""",
    )
    (where / "ami.secret").write_text("s3cret\n")
    monkeypatch.chdir("/")
    site = load(where).network.sites["aachen"]
    assert site.asterisk.tls is not None
    assert site.asterisk.tls.ca == where / "ca.pem"
    assert site.asterisk.secret.reveal() == "s3cret"
    assert (site.asterisk.port, site.trunk.sip, site.trunk.carrier) == (5039, "[2001:db8::1]:5061", "carrier")


def test_the_service_has_usable_defaults(tmp_path: Path) -> None:
    """Loopback, SQLite in the state folder, bounded inbox; a file may change each."""
    service = load(folder(tmp_path)).network.service
    assert (service.host, service.port) == ("127.0.0.1", 8080)
    assert service.database_url == "sqlite+aiosqlite:///var/callrouter.db"
    service = load(folder(tmp_path, more='service: {listen: "[::1]:9000", state_dir: /srv/cr}\n')).network.service
    assert (service.host, service.port) == ("::1", 9000)
    assert service.database_url == "sqlite+aiosqlite:////srv/cr/callrouter.db"


def test_agreements_may_share_a_pair_when_they_never_meet(tmp_path: Path) -> None:
    """Two agreements of one direction are fine when windows, dates, topics or hotlines part them; rings are legal."""
    where = folder(
        tmp_path,
        more="""
agreements:
  morning: {borrower: agency-gotha, lender: agency-gera, window: {Mon-Fri: 08:00-12:00}, from: 2026-06-01}
  afternoon: {borrower: agency-gotha, lender: agency-gera, window: {Mon-Fri: 12:00-18:00}, from: 2026-06-01}
  until-may: {borrower: agency-gotha, lender: agency-gera, until: 2026-05-31}
  benefit: {borrower: agency-gera, lender: night, topics: benefit}
  general: {borrower: agency-gera, lender: night, topics: general}
  ring: {borrower: night, lender: agency-gotha}
hotlines:
  night: {title: N, site: gotha, numbers: 030 23125 000, teams: night}
teams:
  night: {title: N, site: gotha, agents: [{number: 3101, skills: {benefit: 3}}]}
""",
    )
    loaded = load(where)
    assert len(loaded.plan.agreements) == 6
    assert loaded.warnings == ()


def test_dates_can_open_what_the_week_closes(tmp_path: Path) -> None:
    """Hours that open on one date only are hours; the same date outside from and until is not."""
    text = (
        "agreements:\n  a:\n    borrower: agency-gotha\n    lender: agency-gera\n    until: 2026-12-23\n    window:\n"
    )
    good = load(folder(tmp_path, more=f"{text}      2026-12-22: 08:00-12:00\n"))
    assert good.plan.agreements[0].window is not None
    with pytest.raises(Exception, match="agreement 'a' is never in force"):
        load(folder(tmp_path, more=f"{text}      2026-12-24: 08:00-12:00\n"))
