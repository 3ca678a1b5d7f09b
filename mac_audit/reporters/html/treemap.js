// The modules as areas, by what they cost. Areas are what a module's own operators cost plus what is inside it.
"use strict";

const MEASURES = [["params", "Parameters", count], ["madds", "Multiply-adds", count], ["mac", "Memory access", count], ["ms", "Predicted time", duration]];

function treemapView(model) {
  if (!model.rows.length) return;
  let measure = model.device ? "ms" : "mac";
  const parents = parentsOf(model.rows);
  const kinds = kindsOf(model);
  const node = plot("Treemap of modules", 560, () => {
    const own = MEASURES.findIndex(([name]) => name === measure);
    const [, title, written] = MEASURES[own];
    const total = model.rows[0][measure] || 1;
    const shown = model.rows.map((row, i) => [row, i]).filter(([row, i]) => i === 0 || row[measure] > 0);
    return {
      data: [{
        type: "treemap", branchvalues: "remainder", maxdepth: model.rows.length > 300 ? 4 : -1, sort: true,
        ids: shown.map(([, i]) => String(i)),
        labels: shown.map(([row]) => plain(lastPart(row.path) || model.name, 40)),
        parents: shown.map(([, i]) => (parents[i] < 0 ? "" : String(parents[i]))),
        values: shown.map(([row]) => row.own[own] || 0),
        text: shown.map(([row]) => `${written(row[measure])}, ${percent(row[measure] / total)}`),
        hovertext: shown.map(([row]) => `${plain(row.path || model.name, 120)}<br>${plain(row.type)} ${plain(row.output)}<br>${title}: ${written(row[measure])}, ${percent(row[measure] / total)}`),
        hoverinfo: "text", textinfo: "label+text", customdata: shown.map(([, i]) => i),
        marker: { colors: shown.map(([, i]) => (kinds[i] ? color(known(kinds[i])) : color("panel"))), line: { width: 1, color: color("paper") } },
        pathbar: { visible: true }, tiling: { pad: 1 },
      }],
      layout: { margin: { l: 4, r: 4, t: 4, b: 4 } },
    };
  });
  const options = MEASURES.map(([name, title]) => [name, title, name === "ms" && !model.device ? "name a device with --device" : false]);
  section("treemap", "Where it goes", "Modules as areas; click one to go into it, the bar on top to come back.",
    choice("Measure of the treemap", options, measure, (chosen) => {
      measure = chosen;
      page.pending.get(node)?.() ?? redraw(node);
    }), model.device ? null : noDevice(), legend(kindsIn(model)), node);
  page.showInTreemap = (index) => node.data && Plotly.restyle(node, { level: String(parents[index] < 0 ? index : parents[index]) });
}

const lastPart = (path) => path.slice(path.lastIndexOf(".") + 1);
const noDevice = () => element("p", { class: "note" }, "Times are not predicted: no device was named. Run again with --device, for example --device gtx-1080-ti; mac-audit devices lists them.");

// For each row the position of the nearest row that its path lies in; -1 for the first.
function parentsOf(rows) {
  const index = new Map(rows.map((row, i) => [row.path, i]));
  return rows.map((row, i) => {
    if (i === 0) return -1;
    for (let path = row.path; path.includes("."); ) {
      path = path.slice(0, path.lastIndexOf("."));
      if (index.has(path) && index.get(path) !== i) return index.get(path);
    }
    return 0;
  });
}

// The class of most of a layer's own memory access; none where it has no operators of its own.
function kindsOf(model) {
  const most = model.rows.map(() => [0, null]);
  const sums = new Map();
  for (const row of model.ops) {
    const key = `${row.layer} ${row.kind}`;
    sums.set(key, (sums.get(key) || 0) + row.mac);
    if (sums.get(key) > most[row.layer][0]) most[row.layer] = [sums.get(key), row.kind];
  }
  return most.map(([, kind]) => kind);
}

const kindsIn = (model) => CLASSES.filter((kind) => model.ops.some((row) => known(row.kind) === kind));
