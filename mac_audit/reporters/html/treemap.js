// The modules as areas, by what they cost. Areas are what a module's own operators cost plus what is inside it.
"use strict";

const MEASURES = [["params", "Parameters", count], ["madds", "Multiply-adds", count], ["mac", "Memory access", count], ["ms", "Predicted time", duration]];

function treemapView(model) {
  if (!model.rows.length) return;
  let measure = model.device ? "ms" : "mac";
  const parents = parentsOf(model.rows);
  const kinds = kindsOf(model, parents);
  const node = plot("Treemap of modules", 560, () => {
    const shades = new Map();
    const shade = (kind, share) => shades.get(kind + share) ?? shades.set(kind + share, color(kind, share)).get(kind + share);
    const own = MEASURES.findIndex(([name]) => name === measure);
    const [, title, written] = MEASURES[own];
    const total = model.rows[0][measure] || 1;
    const shown = areasOf(model, parents, kinds, own, measure);
    return {
      data: [{
        type: "treemap", branchvalues: "remainder", maxdepth: model.rows.length > 300 ? 4 : -1, sort: true,
        ids: shown.map((area) => area.id),
        labels: shown.map(({ row, id }) => (id.startsWith("own") ? "(itself)" : plain(lastPart(row.path) || model.name, 40))),
        parents: shown.map((area) => area.parent),
        values: shown.map((area) => area.value),
        text: shown.map(({ cost }) => `${written(cost)}, ${percent(cost / total)}`),
        hovertext: shown.map(({ row, cost }) => `${plain(row.path || model.name, 120)}<br>${plain(row.type)} ${plain(row.output)}<br>${title}: ${written(cost)}, ${percent(cost / total)}`),
        hoverinfo: "text", textinfo: "label+text",
        marker: { colors: shown.map(({ kind, share }) => shade(kind ? known(kind) : "panel", share)), line: { width: 1, color: color("paper") } },
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

// An area for each module, pale where others lie in it, and for what its own operators cost beside those.
function areasOf(model, parents, kinds, own, measure) {
  const full = new Set(parents.filter((_, i) => model.rows[i][measure] > 0));
  return model.rows.flatMap((row, i) => {
    if (i && !(row[measure] > 0)) return [];
    const [id, value] = [String(i), row.own[own] || 0];
    const area = { id, row, parent: i ? String(parents[i]) : "", value, cost: row[measure], kind: kinds.all[i], share: 1 };
    if (!full.has(i)) return [area];
    const around = { ...area, value: 0, share: 0.3 };
    return value > 0 ? [around, { ...area, id: `own ${id}`, parent: id, cost: value, kind: kinds.own[i] }] : [around];
  });
}

// The class of most of a layer's memory access: of its own operators, and of all in it.
function kindsOf(model, parents) {
  const sums = { own: model.rows.map(() => ({})), all: model.rows.map(() => ({})) };
  const add = (sum, row) => { sum[row.kind] = (sum[row.kind] || 0) + row.mac; };
  for (const row of model.ops) {
    add(sums.own[row.layer], row);
    for (let i = row.layer; i >= 0; i = parents[i]) add(sums.all[i], row);
  }
  const most = (sum) => Object.keys(sum).reduce((best, kind) => (best === null || sum[kind] > sum[best] ? kind : best), null);
  return { own: sums.own.map(most), all: sums.all.map(most) };
}

const kindsIn = (model) => CLASSES.filter((kind) => model.ops.some((row) => known(row.kind) === kind));
