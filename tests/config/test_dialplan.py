"""The dialplan's text: the rules that the fixed part promises, and the site's part as it is rendered."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from callrouter.cli import main
from callrouter.config.dialplan import DIALPLAN_VERSION, BadDialplan, DialplanSite, dialplan_of, render
from callrouter.config.load import load
from tests.config.folders import folder

REPO = Path(__file__).resolve().parents[2]
FIXED = (REPO / "dialplans" / "callrouter.conf").read_text()
CODE = "\n".join(line for line in FIXED.splitlines() if not line.startswith(";"))
GERA = DialplanSite("gera", ("4066969010", "+494066969011"), ("2001", "2002", "front", "7"), ("2001",))
# applications that answer a caller by themselves, or run what nobody should
FORBIDDEN = (
    "Answer",
    "Queue",
    "ConfBridge",
    "VoiceMail",
    "AGI",
    "System",
    "TrySystem",
    "Exec",
    "Record",
    "MusicOnHold",
    "SendDTMF",
)


def test_nothing_answers_but_a_phone() -> None:
    """No Answer(), no application that answers by itself, and Playback and Read only with their no-answer options."""
    for application in FORBIDDEN:
        assert not re.search(rf",{application}\(", CODE), application
    for playback in re.findall(r"Playback\((.*)\)$", CODE, re.MULTILINE):
        assert playback.endswith(",noanswer")
    for read in re.findall(r",Read\((.*)\)$", CODE, re.MULTILINE):
        assert re.search(r",(1|\$\{FILTER\(0-9,\$\{CUT\(CR_C,_,4\)\}\)\}),n,1,(\d$|\$\{FILTER\()", read), read


@pytest.mark.parametrize("dials", ["national", "e164"])
def test_the_trunk_says_how_numbers_are_dialled(tmp_path: Path, dials: str) -> None:
    """What stands at the trunk is what the fixed part reads."""
    asterisk = "{host: j, user: u, secret: {env: S}}"
    jena = f"{{title: Jena, land: TH, asterisk: {asterisk}, trunk: {{sip: j, dials: {dials}}}}}"
    loaded = load(folder(tmp_path, more=f"sites: {{jena: {jena}}}"))
    assert f"CR_DIALS={dials}" in render(dialplan_of(loaded, "jena")).splitlines()


def test_no_pattern_is_open() -> None:
    """No extension pattern ends in '.' or '!', in the fixed part and in what is rendered."""
    for text in (CODE, render(GERA), render(DialplanSite("gera", (), ("2001",), outside_prefix="0"))):
        for extension in re.findall(r"^exten => ([^,]+),", text, re.MULTILINE):
            assert not extension.endswith((".", "!")), extension
            assert not extension.startswith("_") or re.fullmatch(r"_[0-9]+X*", extension), extension


def test_a_reload_cannot_reset_what_the_router_set() -> None:
    """CR_EPOCH and CR_BEAT stand in no [globals]: they would be reset by each `dialplan reload`."""
    globals_ = CODE.split("[globals]")[1].split("[callrouter-in]")[0]
    assert globals_.split() == [f"CR_DIALPLAN={DIALPLAN_VERSION}", "CR_SOUNDS=callrouter"]


def test_asterisklint_finds_nothing(tmp_path: Path) -> None:
    """The whole dialplan of a site, as Asterisk would put it together."""
    site = render(DialplanSite("gera", GERA.numbers, GERA.phones, GERA.failsafe, outside_prefix="0"))
    # asterisklint does not know category additions; a second [globals] means the same to it
    header, rest = site.split("[globals](+)\n")
    values, contexts = rest.split("\n\n", 1)
    text = (
        "[general]\nstatic=yes\n\n"
        + FIXED.replace("[globals]\n", f"[globals]\n{values}\n", 1)
        + "\n"
        + header
        + contexts
    )
    file = tmp_path / "extensions.conf"
    file.write_text(text)
    # a function of chan_pjsip and an application of the core that asterisklint has not heard of
    command = [str(Path(sys.executable).parent / "asterisklint"), "dialplan-check", str(file)]
    found = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    lines = [
        line
        for line in (found.stdout + found.stderr).splitlines()
        if not re.search("PJSIP_PARSE_URI_FROM|app 'MSet'", line)
    ]
    assert lines == []


def test_a_site_is_rendered_the_same_from_the_same() -> None:
    """Numbers are literal, phones with digits share exact-length patterns, others are literal; the order is fixed."""
    text = render(GERA)
    assert re.findall(r"^exten => ([^,]+),", text, re.MULTILINE) == [
        "+494066969011", "4066969010",
        "7", "_2XXX", "front",
        "7", "_2XXX", "front",
    ]  # fmt: skip
    assert "CR_FAILSAFE=PJSIP/2001\n" in text
    assert text == render(GERA)


def test_a_trunk_may_deliver_numbers_with_a_plus(tmp_path: Path) -> None:
    """Many carriers do: what the configuration says they deliver is the extension, and the number that is routed."""
    numbers = "[{number: 030 23125 000, digits: +493023125000}, 030 23125 000]"
    loaded = load(
        folder(tmp_path, more=f"hotlines: {{h: {{title: H, site: gera, numbers: {numbers}, teams: agency-gera}}}}")
    )
    (hotline,) = (one for one in loaded.plan.hotlines if one.name == "h")
    assert [number.digits for number in hotline.numbers] == ["+493023125000", "03023125000"]
    assert "exten => +493023125000,1,Set(CR_DID=+493023125000)\n" in render(dialplan_of(loaded, "gera"))


@pytest.mark.parametrize(
    ("site", "says"),
    [
        (DialplanSite("Gera", (), ()), "name 'Gera'"),
        (DialplanSite("gera", ("_X.",), ()), "number '_X.'"),
        (DialplanSite("gera", (), ("h",)), "phone 'h'"),
        (DialplanSite("gera", (), ("a,b",)), "phone 'a,b'"),
        (DialplanSite("gera", (), ("2001",), ("2001&Local/x",)), "phone '2001&Local/x'"),
        (DialplanSite("gera", (), ("0123",), outside_prefix="0"), "phone '0123' begins with the prefix"),
        (DialplanSite("gera", (), (), failsafe_s=0), "failsafe rings 0 s"),
        (DialplanSite("gera", (), (), carrier="a@b"), "carrier 'a@b'"),
    ],
)
def test_what_does_not_fit_is_refused(site: DialplanSite, says: str) -> None:
    """A value with a meaning in the dialplan's own language never reaches it."""
    with pytest.raises(BadDialplan, match=re.escape(says)):
        render(site)


def test_the_command_renders_every_site_of_the_example() -> None:
    """`callrouter dialplan render --site X config` prints the include; an unknown site is an error with the names."""
    run = CliRunner()
    for site, number in (("gera", "exten => 0"), ("magdeburg", "exten => 03023125100,1,")):
        result = run.invoke(main, ["dialplan", "render", "--site", site, str(REPO / "config")])
        assert result.exit_code == 0, result.output
        assert f"CR_SITE={site}" in result.output
        assert number in result.output
    wrong = run.invoke(main, ["dialplan", "render", "--site", "jena", str(REPO / "config")])
    assert wrong.exit_code == 1
    assert "gera" in wrong.output


def test_the_command_prints_the_fixed_part() -> None:
    """`callrouter dialplan fixed` is the file that belongs to this release."""
    assert CliRunner().invoke(main, ["dialplan", "fixed"]).output == FIXED
