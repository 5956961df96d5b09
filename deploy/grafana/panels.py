"""The kinds of panels that the dashboards are made of, each with its unit, thresholds and definitions."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from typing import Any, TypeVar

from deploy.grafana.definitions import definitions
from grafana_foundation_sdk.builders import bargauge, common, dashboard, heatmap, prometheus, stat, table, timeseries
from grafana_foundation_sdk.models import common as common_model
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models import heatmap as heatmap_model
from grafana_foundation_sdk.models import prometheus as prometheus_model

SOURCE = model.DataSourceRef(type_val="prometheus", uid="${datasource}")
MET, NEAR, MISSED, NEUTRAL = "#1ab2ff", "#ffc21a", "#ff6666", "#b4becb"
TARGET, AT_RISK = 0.80, 0.75  # in time: from 80 % on met, from 75 % on just missed
FIRST, FIRST_AT_RISK = 0.93, 0.88
Queries = dict[str, str]  # legend -> expression


def steps(*found: tuple[float | None, str]) -> dashboard.ThresholdsConfig:
    """From each value on its colour; the first value is None."""
    made = [model.Threshold(value=value, color=color) for value, color in found]
    return dashboard.ThresholdsConfig().mode(model.ThresholdsMode.ABSOLUTE).steps(made)


SHARES = (None, MISSED), (AT_RISK, NEAR), (TARGET, MET)
FIRSTS = (None, MISSED), (FIRST_AT_RISK, NEAR), (FIRST, MET)
PLAIN = ((None, MET),)
NEVER = (None, MET), (1.0, MISSED)  # what must stay 0
ALWAYS = (None, MISSED), (1.0, MET)  # what must stay 1
Steps = Sequence[tuple[float | None, str]]
Sections = Sequence[tuple[str, Sequence[Any]]]  # a heading and its panels each
P = TypeVar("P")


def _query(legend: str, expression: str, ref: str, *, instant: bool) -> prometheus.Dataquery:
    made = prometheus.Dataquery().expr(expression).legend_format(legend).ref_id(ref).datasource(SOURCE)
    made.editor_mode(prometheus_model.QueryEditorMode.CODE)
    return made.instant() if instant else made.range()


def _with(made: P, title: str, text: str, queries: Queries, size: tuple[int, int], *, instant: bool = False) -> P:
    """What all panels have. size: columns of 24, rows."""
    panel: Any = made  # their builders have no common base
    panel.title(title).datasource(SOURCE).span(size[0]).height(size[1])
    panel.description("\n\n".join([text, *definitions(list(queries.values()))]))
    for ref, (legend, expression) in zip("ABCDEFGH", queries.items(), strict=False):
        panel.with_target(_query(legend, expression, ref, instant=instant))
    return made


def number(
    title: str, text: str, expression: str, *, unit: str = "short", found: Steps = PLAIN, width: int = 4
) -> stat.Panel:
    """One figure of the whole range shown, or of now."""
    panel = _with(stat.Panel(), title, text, {"": expression}, (width, 5), instant=True)
    panel.unit(unit).thresholds(steps(*found)).color_mode(common_model.BigValueColorMode.VALUE)
    panel.graph_mode(common_model.BigValueGraphMode.NONE)
    return panel.decimals(1) if unit == "percentunit" else panel


def course(
    title: str,
    text: str,
    queries: Queries,
    *,
    unit: str = "short",
    width: int = 12,
    height: int = 9,
    stacked: bool = False,
    found: Steps = (),
    least: float | None = 0.0,
    most: float | None = None,
) -> timeseries.Panel:
    """Lines, or a stack of areas, over time. found: drawn as lines across."""
    panel = _with(timeseries.Panel(), title, text, queries, (width, height))
    panel.unit(unit).fill_opacity(40 if stacked else 5).line_width(1.5).span_nulls(False)
    panel.show_points(common_model.VisibilityMode.NEVER)
    panel.tooltip(common.VizTooltipOptions().mode(common_model.TooltipDisplayMode.MULTI))
    panel.legend(
        common.VizLegendOptions()
        .display_mode(common_model.LegendDisplayMode.LIST)
        .placement(common_model.LegendPlacement.BOTTOM)
        .show_legend(True)
        .calcs([])
    )
    if least is not None:
        panel.min(least)
    if most is not None:
        panel.max(most)
    if stacked:
        panel.stacking(common.StackingConfig().mode(common_model.StackingMode.NORMAL))
    if found:
        panel.thresholds(steps(*found))
        panel.thresholds_style(common.GraphThresholdsStyleConfig().mode(common_model.GraphTresholdsStyleMode.DASHED))
    return panel


def bars(
    title: str, text: str, queries: Queries, *, unit: str = "short", width: int = 12, height: int = 9
) -> bargauge.Panel:
    """One bar for each series, of the whole range shown."""
    panel = _with(bargauge.Panel(), title, text, queries, (width, height), instant=True)
    panel.unit(unit).min(0).thresholds(steps(*PLAIN)).orientation(common_model.VizOrientation.HORIZONTAL)
    panel.display_mode(common_model.BarGaugeDisplayMode.BASIC)
    return panel


def heat(title: str, text: str, expression: str, *, width: int = 24, height: int = 10) -> heatmap.Panel:
    """A histogram over time: what the buckets took in each step."""
    panel = heatmap.Panel()
    panel.title(title).datasource(SOURCE).span(width).height(height)
    panel.description("\n\n".join([text, *definitions([expression])]))
    query = _query("{{le}}", expression, "A", instant=False).format(prometheus_model.PromQueryFormat.HEATMAP)
    panel.with_target(query).calculate(False)
    panel.y_axis(heatmap.YAxisConfig().unit("s"))
    panel.color(
        heatmap.HeatmapColorOptions()
        .mode(heatmap_model.HeatmapColorMode.SCHEME)
        .scheme("Blues")
        .steps(64)
        .exponent(0.5)
        .scale(heatmap_model.HeatmapColorScale.EXPONENTIAL)
        .fill("dark-blue")
    )
    panel.show_legend().show_tooltip().hide_from(common.HideSeriesConfig().legend(False).tooltip(False).viz(False))
    return panel


def rows(
    title: str, text: str, queries: Queries, *, unit: str = "short", width: int = 12, height: int = 9
) -> table.Panel:
    """A table with a row for each set of labels and a column for each query."""
    panel = _with(table.Panel(), title, text, queries, (width, height), instant=True)
    targets: list[Any] = panel._internal.targets or []
    for target in targets:
        target.format_val = prometheus_model.PromQueryFormat.TABLE
    panel.with_transformation(model.DataTransformerConfig(id_val="merge", options={}))
    names = {f"Value #{ref}": legend for ref, legend in zip("ABCDEFGH", queries, strict=False)}
    hidden = {"Time": True, "__name__": True, "instance": True, "job": True}
    organised = {
        "excludeByName": hidden,
        "renameByName": names | ({"Value": next(iter(queries))} if len(queries) == 1 else {}),
    }
    panel.with_transformation(model.DataTransformerConfig(id_val="organize", options=organised))
    return panel.unit(unit).decimals(1).show_header(True)


def made(uid: str, title: str, text: str, variables: Sequence[Any], sections: Sections) -> model.Dashboard:
    """A whole dashboard."""
    found = dashboard.Dashboard(title).uid(f"callrouter-{uid}").description(text).tags(["callrouter"]).readonly()
    found.timezone("browser").refresh("30s").time("now-12h", "now").tooltip(model.DashboardCursorSync.CROSSHAIR)
    found.week_start("monday")
    source = dashboard.DatasourceVariable("datasource").label("Prometheus").type("prometheus")
    found.with_variable(source)
    for variable in variables:
        found.with_variable(variable)
    found.link(
        dashboard.DashboardLink("callrouter")
        .type(model.DashboardLinkType.DASHBOARDS)
        .tags(["callrouter"])
        .as_dropdown(True)
        .keep_time(True)
        .include_vars(True)
    )
    ids = count(1)
    for heading, panels in sections:
        found.with_row(dashboard.Row(heading).id(next(ids)))
        for panel in panels:
            found.with_panel(panel.id(next(ids)))
    return found.build()


def choice(name: str, label: str, query: str, *, several: bool) -> dashboard.QueryVariable:
    """A variable whose values are those of a label."""
    made = dashboard.QueryVariable(name).label(label).query({"query": query, "refId": name}).datasource(SOURCE)
    made.refresh(model.VariableRefresh.ON_TIME_RANGE_CHANGED).sort(model.VariableSort.ALPHABETICAL_ASC)
    made.multi(several).include_all(several)
    if several:
        made.all_value(".*").current(model.VariableOption(text="All", value="$__all"))
    return made


def in_time(of: str, window: str) -> str:
    """The share of decided attempts that were answered within target. of: label matchers."""
    missed = f'callrouter_calls_finished_total{{{of},outcome=~"abandoned|busied|failsafe|lost"}}'
    return (
        f"sum(increase(callrouter_calls_answered_within_target_total{{{of}}}[{window}])) / "
        f"(sum(increase(callrouter_calls_answered_total{{{of}}}[{window}])) + sum(increase({missed}[{window}])))"
    )


def resolved(of: str, window: str) -> str:
    """First-contact resolution: the share of answered calls with a result that were resolved in the talk."""
    return (
        f'sum(increase(callrouter_results_total{{{of},disposition="resolved"}}[{window}])) / '
        f"sum(increase(callrouter_results_total{{{of}}}[{window}]))"
    )


def by_hotline(share: str) -> str:
    """The same for each hotline."""
    return share.replace("sum(", "sum by (hotline) (")


def demands(which: str, of: str, window: str) -> str:
    """The share of demands that were `which`: reached_within_target, reached_at_first_attempt, …"""
    return (
        f"sum(increase(callrouter_demands_{which}_total{{{of}}}[{window}])) / "
        f"sum(increase(callrouter_demands_total{{{of}}}[{window}]))"
    )
