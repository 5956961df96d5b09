// Charts are drawn from the rows of the table beside them, so that both say the same. data-at: UTC seconds.
"use strict";

const dark = matchMedia("(prefers-color-scheme: dark)");
const charts = new Map(); // the holder's id -> {plot, text}

function css(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function draw(holder) {
  const table = document.getElementById(holder.dataset.chart);
  const rows = [...table.tBodies[0].rows].filter((row) => row.dataset.value !== "");
  const [from, to, target] = ["from", "to", "target"].map((name) => Number(table.dataset[name]));
  const at = rows.map((row) => Number(row.dataset.at));
  const value = rows.map((row) => Number(row.dataset.value) * 100);
  const text = JSON.stringify([at, value, from, to, target, dark.matches, holder.clientWidth, holder.clientHeight]);
  const known = charts.get(holder.id);
  if (known && known.text === text && known.holder === holder) return;
  known?.plot.destroy();
  const zone = table.dataset.zone;
  const hour = new Intl.DateTimeFormat("de-DE", { hour: "numeric", timeZone: zone, hourCycle: "h23" });
  const [ink, line, good] = [css("--muted"), css("--line"), css("--good")];
  const percent = document.documentElement.lang === "en" ? "%" : "\u00a0%";
  const px = parseFloat(getComputedStyle(holder).fontSize);
  const font = `${Math.round(px * 0.82)}px 'Fira Sans', system-ui, sans-serif`;
  const xs = [from, ...at, Math.max(to, at.at(-1) ?? to)];
  const options = {
    width: holder.clientWidth,
    height: holder.clientHeight,
    padding: [8, 8, 0, 0],
    cursor: { show: false },
    legend: { show: false },
    scales: { x: { range: [Math.min(from, at[0] ?? from), xs.at(-1)] }, y: { range: [0, 100] } },
    series: [
      {},
      { stroke: good, width: 2.5, fill: css("--good-soft"), points: { show: at.length < 3, size: 7, fill: good } },
      { stroke: ink, width: 1.5, dash: [6, 5], points: { show: false } },
    ],
    axes: [
      { stroke: ink, font, size: Math.round(px * 2), grid: { show: false }, ticks: { stroke: line }, incrs: [3600, 7200, 10800, 14400], values: (_, splits) => splits.map((s) => hour.format(new Date(s * 1000)).replace(/\D/g, "")) },
      { stroke: ink, font, size: Math.round(px * 3.3), grid: { stroke: line, width: 1 }, ticks: { show: false }, splits: (plot) => (plot.height > px * 9 ? [0, 20, 40, 60, 80, 100] : [0, 50, 100]), values: (_, splits) => splits.map((s) => `${s}${percent}`) },
    ],
  };
  const actual = [null, ...value, null];
  const aim = xs.map(() => target * 100);
  holder.replaceChildren();
  const plot = new uPlot(options, [xs, actual, aim], holder);
  charts.set(holder.id, { plot, text, holder });
  holder.dataset.drawn = JSON.stringify(value);
}

function drawAll() {
  for (const holder of document.querySelectorAll("[data-chart]")) draw(holder);
}

document.addEventListener("htmx:after:swap", drawAll);
dark.addEventListener("change", drawAll);
addEventListener("resize", drawAll);
document.fonts.ready.then(drawAll);
drawAll();
