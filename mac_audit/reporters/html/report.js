// One model at a time: its views in their order.
"use strict";

const rowsOf = ({ columns, rows }) => rows.map((row) => Object.fromEntries(row.map((value, i) => [columns[i], value])));

function show(model) {
  clear();
  if (model.error) {
    section("summary", "Summary", null, element("p", {}, element("span", { class: "error" }, "not audited"), ` ${model.target}`), element("p", { class: "trouble" }, model.error));
    return;
  }
  model.rows ??= rowsOf(model.layers);
  model.ops ??= rowsOf(model.operators);
  for (const view of [summaryView, findingsView, treemapView, decompositionView, rooflineView, timelineView, graphView, layersView]) view(model);
}

const { models } = page.data;
if (models.length > 1) {
  const chooser = element("select", { id: "model", "aria-label": "Model", onchange: () => show(models[chooser.value]) },
    models.map((model, i) => element("option", { value: i }, `${model.name} – ${model.verdict}`)));
  document.querySelector(".controls").prepend(chooser);
}
show(models[0]);
