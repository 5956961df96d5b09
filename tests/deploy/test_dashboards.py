"""The dashboards: what the code makes is what is shipped, complete and explained; and every query has an answer.

There is no Grafana to ask, so their JSON is read as its schema (the SDK's) says, and the queries are put to a real
Prometheus that scrapes a running demo.
"""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from math import isnan
from pathlib import Path
from typing import Any

import pytest
from deploy.grafana.__main__ import DASHBOARDS, FOLDER, main
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard
from ruamel.yaml import YAML

from tests.deploy.prometheus import program

REPO = Path(__file__).parents[2]
SHIPPED = REPO / "deploy/prometheus"
NAMES = sorted(DASHBOARDS)
SCRAPE_S = 1
PATIENCE_S = 240.0


def dashboard(name: str) -> dict[str, Any]:
    found = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
    assert isinstance(found, dict)
    return found


def panels(name: str) -> list[dict[str, Any]]:
    """Those that show something."""
    return [panel for panel in dashboard(name)["panels"] if panel["type"] != "row"]


def test_json_is_what_the_code_makes() -> None:
    """Nobody has edited it by hand, or changed a definition and forgotten to make it anew."""
    assert main(["--check"]) == 0, "run make dashboards"
    assert {path.stem for path in FOLDER.glob("*.json")} == set(DASHBOARDS)


@pytest.mark.parametrize("name", NAMES)
def test_json_fits_the_schema(name: str) -> None:
    """Read as Grafana's own schema says and written again, nothing is lost or added."""
    register_default_plugins()
    text = (FOLDER / f"{name}.json").read_text("utf-8")
    again = json.dumps(Dashboard.from_json(json.loads(text)), cls=JSONEncoder)
    assert json.loads(again) == json.loads(text)


@pytest.mark.parametrize("name", NAMES)
def test_panels_are_complete(name: str) -> None:
    """Each has an id of its own, a title, a unit, a source that can be chosen, and its place within 24 columns."""
    whole = dashboard(name)
    assert whole["uid"] == f"callrouter-{name}"
    assert whole["templating"]["list"][0]["type"] == "datasource"
    ids = [panel["id"] for panel in whole["panels"]]
    assert len(set(ids)) == len(ids)
    taken: set[tuple[int, int]] = set()
    for panel in panels(name):
        assert panel["title"]
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        assert panel["type"] == "heatmap" or panel["fieldConfig"]["defaults"]["unit"]
        place = panel["gridPos"]
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert place["x"] + place["w"] <= 24
        assert not cells & taken, panel["title"]
        taken |= cells
        for target in panel["targets"]:
            assert target["datasource"] == panel["datasource"]
            assert target["expr"]


@pytest.mark.parametrize("name", NAMES)
def test_panels_carry_their_definitions(name: str) -> None:
    """Each metric that a panel asks for is defined in its description, in the words of /metrics."""
    for panel in panels(name):
        asked = set(re.findall(r"(?<!:)\bcallrouter_\w+\b(?!:)", " ".join(t["expr"] for t in panel["targets"])))
        for metric in asked:
            family = re.sub(r"_(bucket|sum|count|total)$", "", metric)
            assert f"`{family}" in panel["description"] or metric.endswith("_info"), (panel["title"], metric)


@pytest.mark.parametrize("name", ["network", "site", "hotline"])
def test_shares_in_time_change_their_colour_at_the_targets(name: str) -> None:
    """Just missed from 75 % on, met from 80 % on, wherever a share answered in time is shown."""
    found = [panel for panel in panels(name) if "in time" in panel["title"]]
    assert found
    for panel in found:
        steps = panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
        assert [step["value"] for step in steps] == [None, 0.75, 0.8]
        assert panel["fieldConfig"]["defaults"]["unit"] == "percentunit"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    assert isinstance(port, int)
    return port


@contextmanager
def demo(port: int) -> Iterator[None]:
    """The demo at a hundred times real pace, with an agreement switched on until the day after tomorrow."""
    command = [sys.executable, "-m", "callrouter", "demo", "--pace", "100", "--port", str(port), "--seed", "1"]
    process = subprocess.Popen(command, cwd=REPO, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout is not None
    try:
        token = ""
        for line in process.stdout:
            found = re.search(r"Bearer (\w+)'", line)
            if found:
                token = found[1]
                break
        assert token, "the demo did not start"
        until = (datetime.now(UTC) + timedelta(days=2)).isoformat()
        body = json.dumps({"enabled": True, "reason": "so that it ends", "until": until}).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/api/v1/agreements/magdeburg-gera/switch", body,
            {"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
        )  # fmt: skip
        with urllib.request.urlopen(request, timeout=10) as answer:
            assert answer.status == 200
        yield
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)


@contextmanager
def scraping(port: int, folder: Path) -> Iterator[str]:
    """The shipped configuration, quicker, with this one target; the address of its API."""
    yaml = YAML(typ="safe")
    config = yaml.load(SHIPPED / "prometheus.yml")
    config["global"] = {"scrape_interval": f"{SCRAPE_S}s", "evaluation_interval": f"{SCRAPE_S}s"}
    config["rule_files"] = [str(SHIPPED / name) for name in config["rule_files"]]
    config["scrape_configs"][0]["static_configs"] = [{"targets": [f"127.0.0.1:{port}"]}]
    yaml.dump(config, folder / "prometheus.yml")
    own = free_port()
    command = [program("prometheus"), f"--config.file={folder / 'prometheus.yml'}"]
    command += [f"--storage.tsdb.path={folder / 'data'}", f"--web.listen-address=127.0.0.1:{own}", "--log.level=error"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        yield f"http://127.0.0.1:{own}/api/v1"
    finally:
        process.terminate()
        process.communicate(timeout=60)


def ask(api: str, path: str, **parameters: str) -> Any:
    """The data of an answer. Raises AssertionError with Prometheus' own words."""
    try:
        with urllib.request.urlopen(f"{api}/{path}?{urllib.parse.urlencode(parameters)}", timeout=30) as answer:
            return json.load(answer)["data"]
    except urllib.error.HTTPError as error:
        raise AssertionError(f"{parameters}: {error.read().decode()}") from error


def chosen(api: str, name: str) -> dict[str, str]:
    """What the variables are when a dashboard is opened: the first of one, all of several."""
    values = {}
    for variable in dashboard(name)["templating"]["list"]:
        if variable["type"] != "query":
            continue
        asked = re.fullmatch(r"label_values\((\w+), (\w+)\)", variable["query"]["query"])
        assert asked is not None
        found = ask(api, f"label/{asked[2]}/values", **{"match[]": asked[1]})
        assert found, f"{name}: nothing to choose for {variable['name']}"
        values[variable["name"]] = variable["allValue"] if variable.get("includeAll") else found[0]
    return values


def answered(api: str, target: dict[str, Any], values: dict[str, str], since: float) -> bool:
    """Has the query an answer with at least one number?"""
    expression = target["expr"]
    now = time.time()
    known = values | {"__rate_interval": f"{SCRAPE_S * 8}s", "__range": f"{max(10, int(now - since))}s"}
    for name, value in known.items():
        expression = expression.replace(f"${name}", value)
    assert "$" not in re.sub(r'"\$1"', "", expression), expression
    if target.get("instant"):
        series = [one["value"][1] for one in ask(api, "query", query=expression)["result"]]
    else:
        found = ask(api, "query_range", query=expression, start=str(since), end=str(now), step="2")["result"]
        series = [value for one in found for _, value in one["values"]]
    return any(not isnan(float(value)) for value in series)


@pytest.mark.slow
@pytest.mark.xdist_group("network")
def test_every_query_has_an_answer(tmp_path: Path) -> None:
    """Each query of each panel, with its variables as a dashboard opens, returns numbers of the running demo."""
    program("prometheus")
    port, began = free_port(), time.time()
    with demo(port), scraping(port, tmp_path) as api:
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                if ask(api, "query", query="sum(increase(callrouter_demands_unreached_total[1h])) > 0")["result"]:
                    break
            except (OSError, AssertionError):
                pass
            assert time.monotonic() < deadline, "Prometheus has seen no demand that ended unreached"
            time.sleep(0.5)
        shown = [(name, panel) for name in NAMES for panel in panels(name)]
        open_ = [(name, panel["title"], target) for name, panel in shown for target in panel["targets"]]
        assert len(open_) > 80
        values = {name: chosen(api, name) for name in NAMES}
        while open_:
            open_ = [one for one in open_ if not answered(api, one[2], values[one[0]], began)]
            assert not open_ or time.monotonic() < deadline, [(name, title, t["expr"]) for name, title, t in open_]
            if open_:
                time.sleep(1.0)
