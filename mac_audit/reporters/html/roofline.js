// Operators under the roof of the device (Williams et al., Roofline, CACM 52(4), 2009): what they reach of its peak,
// by how much they compute for each byte that they move.
"use strict";

function roofline(row) {
  const operations = 2 * row.madds || row.ops;
  return { operations, intensity: operations / row.bytes, reached: operations / (row.ms / 1000) };
}

function rooflineView(model) {
  if (!model.ops.length) return;
  const { device } = model;
  if (!device || !device.bandwidth || !Object.keys(device.peak).length) {
    section("roofline", "Roofline", null, noDevice());
    return;
  }
  const points = model.ops.map((row) => ({ row, ...roofline(row) })).filter((point) => point.operations > 0 && point.row.bytes > 0 && point.row.ms > 0);
  const rest = model.ops.filter((row) => !(2 * row.madds || row.ops));
  const longest = Math.max(...points.map((point) => point.row.ms), 0);
  const named = apart([...points].sort((a, b) => b.row.ms - a.row.ms)).slice(0, 8);
  const intensities = points.map((point) => point.intensity);
  const peaks = Object.entries(device.peak);
  const from = Math.min(0.1, ...intensities) / 2;
  const to = 3 * Math.max(...intensities, ...peaks.map(([, peak]) => peak / device.bandwidth));
  section("roofline", "Roofline",
    `Each operator on ${device.name}: what it reaches, in operations a second with a multiply-add as two, by operations for each byte moved. ` +
    "The roof is what memory and arithmetic allow, and bends where they balance. Areas are predicted times." +
    (rest.length ? ` Not shown: ${rest.length} operators that only move data.` : ""),
    legend(kindsIn(model)),
    plot("Roofline", 560, () => ({
      data: [
        ...peaks.map(([dtype, peak]) => ({
          type: "scatter", mode: "lines", name: plain(dtype), line: { color: color("ink"), width: 2 }, hoverinfo: "text", showlegend: false,
          x: [from, peak / device.bandwidth, to], y: [from * device.bandwidth, peak, peak],
          hovertext: ["", `ridge: ${three(peak / device.bandwidth)} operations a byte`, `${plain(dtype)}: ${count(peak, "FLOP/s")}`],
        })),
        ...kindsIn(model).map((kind) => {
          const own = points.filter((point) => known(point.row.kind) === kind);
          return {
            type: "scatter", mode: "markers+text", name: plain(kind), showlegend: false,
            x: own.map((point) => point.intensity), y: own.map((point) => point.reached),
            text: own.map((point) => (named.includes(point) ? plain(nameOf(point.row, model), 30) : "")), textposition: "top center", textfont: { size: 10 },
            hovertext: own.map((point) => described(point, model)), hoverinfo: "text", customdata: own.map((point) => point.row.layer),
            marker: { color: color(kind), opacity: 0.8, size: own.map((point) => 5 + 25 * Math.sqrt(point.row.ms / longest)), line: { width: 1, color: color("paper") } },
          };
        }),
      ],
      layout: {
        hovermode: "closest", margin: { l: 70, r: 20, t: 20, b: 60 },
        xaxis: { type: "log", title: { text: "operations a byte" }, exponentformat: "SI" }, yaxis: { type: "log", title: { text: "operations a second" }, exponentformat: "SI" },
        annotations: peaks.map(([dtype, peak]) => ({ x: Math.log10(peak / device.bandwidth), y: Math.log10(peak), text: `${count(peak, "FLOP/s")} ${plain(dtype)}, ${size(device.bandwidth)}/s`, showarrow: false, xanchor: "right", yanchor: "bottom" })),
      },
    }), (node) => node.on("plotly_click", (event) => event.points[0].customdata !== undefined && goToLayer(event.points[0].customdata))));
}

// Of points that lie near each other the first, so that names do not cover names.
function apart(points) {
  const taken = new Set();
  return points.filter(({ intensity, reached }) => {
    const [x, y] = [Math.round(2 * Math.log10(intensity)), Math.round(5 * Math.log10(reached))];
    const near = [-1, 0, 1].some((i) => [-1, 0, 1].some((j) => taken.has(`${x + i} ${y + j}`)));
    taken.add(`${x} ${y}`);
    return !near;
  });
}

const nameOf = (row, model) => model.rows[row.layer]?.path || model.name;

function described({ row, intensity, reached }, model) {
  return [plain(nameOf(row, model), 100), `${plain(row.target)} → ${plain(row.output)}`, `${plain(row.kind)}, ${row.bound}-bound, ${duration(row.ms)}`,
    `${three(intensity)} operations a byte, ${count(reached, "FLOP/s")}`].join("<br>");
}
