// Operators one after another, as long as they are predicted to take; a lane for each layer at a depth with few of them.
"use strict";

const MOST_LANES = 40;

function timelineView(model) {
  if (!model.ops.length) return;
  if (!model.device) {
    section("timeline", "Timeline", null, noDevice());
    return;
  }
  const lanes = lanesOf(model);
  const titles = [...new Set(lanes)];
  const number = new Map(titles.map((title, i) => [title, i]));
  const width = Math.max(4, Math.min(14, 420 / titles.length));
  const runs = new Map(); // by class: a line that breaks between operators
  let clock = 0;
  model.ops.forEach((row, i) => {
    const kind = known(row.kind);
    if (!runs.has(kind)) runs.set(kind, { x: [], y: [], rows: [] });
    const run = runs.get(kind);
    run.x.push(clock, clock + row.ms / 2, clock += row.ms, null);
    run.y.push(...Array(3).fill(number.get(lanes[i])), null);
    run.rows.push(row, row, row, null);
  });
  section("timeline", "Timeline", `The operators in their order, as predicted on ${model.device.name}: ${duration(clock)}. Drag to zoom, double-click to come back.`,
    legend(kindsIn(model)),
    plot("Predicted timeline", Math.max(220, 90 + titles.length * Math.max(12, width + 4)), () => ({
      data: [...runs].map(([kind, run]) => ({
        type: "scatter", mode: "lines", name: plain(kind), x: run.x, y: run.y, connectgaps: false, showlegend: false,
        line: { color: color(kind), width, simplify: false }, hoverinfo: "text", customdata: run.rows.map((row) => row?.layer),
        hovertext: run.rows.map((row) => (row ? `${plain(nameOf(row, model), 100)}<br>${plain(row.target)} → ${plain(row.output)}<br>${plain(row.kind)}, ${row.bound}-bound, ${duration(row.ms)}` : "")),
      })),
      layout: {
        hovermode: "closest", xaxis: { title: { text: "milliseconds" }, range: [0, clock] },
        yaxis: { tickvals: titles.map((_, i) => i), ticktext: titles.map((title) => plain(title || "(itself)", 40)), range: [titles.length - 0.4, -0.6], fixedrange: true },
        margin: { l: 120, r: 20, t: 10, b: 60 },
      },
    }), (node) => node.on("plotly_click", (event) => goToLayer(event.points[0].customdata))));
}

// The lane of each operator: its numbered layer (`units.3`); of too many, some that follow one another share a lane.
function lanesOf(model) {
  const lanes = model.ops.map((row) => {
    const parts = (model.rows[row.layer]?.path || "").split(".");
    return parts.slice(0, parts.findIndex((part) => /^\d+$/.test(part)) + 1 || 1).join(".");
  });
  const titles = [...new Set(lanes)];
  const together = Math.ceil(titles.length / MOST_LANES);
  const shared = new Map(titles.map((title, i) => {
    const members = titles.slice(i - (i % together), i - (i % together) + together);
    return [title, members.length > 1 ? `${members[0]} to ${members.at(-1)}` : title];
  }));
  return lanes.map((lane) => shared.get(lane));
}
