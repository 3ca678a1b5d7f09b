// The findings, worst first: what, where, why, instead, what it saves, and a picture of it.
"use strict";

const FEW_PLACES = 12;

function findingsView(model) {
  if (!model.rules.length) return;
  const counted = model.findings.filter((card) => !card.suppressed);
  const silent = model.findings.filter((card) => card.suppressed);
  section("findings", "Findings",
    counted.length ? `What to mend, worst first: ${counted.length} line${counted.length === 1 ? "" : "s"} of code. Pictures are drawn to scale.` : "Nothing to mend.",
    first(20, counted.map((card) => cardOf(card, model)), "findings", element("div")),
    silent.length ? element("details", {}, element("summary", {}, `${silent.length} suppressed`),
      silent.map((card) => cardOf(card, model))) : null);
}

function cardOf(card, model) {
  const { snippet } = card;
  const places = card.layers.map((layer) => layerLink(layer, model));
  return element("article", { class: "card", "aria-label": `${card.code} ${card.message}` },
    element("div", { class: "told" },
      element("h3", {}, element("span", { class: card.severity === "error" ? "fail" : "warning" }, card.code), ` ${card.message}`),
      element("p", { class: "places" }, first(FEW_PLACES, places, "places", element("span"))),
      element("p", {}, card.line ? sourceLink(card.line) : card.place),
      snippet ? element("pre", {}, element("code", {}, snippet.before, element("mark", {}, snippet.marked), snippet.after)) : null,
      element("dl", { class: "explained" }, card.explained.map(([label, text]) => [element("dt", {}, label), element("dd", {}, text)])),
      card.suppressed ? element("p", { class: "note" }, `suppressed by ${card.suppressed.by} ${card.suppressed.reason}`) : null),
    element("div", { class: "picture" }, pictureOf(card.counterfactual)));
}

// A name that goes to its layer in the table.
function layerLink(index, model) {
  const path = model.rows[index]?.path || "the model";
  return element("button", { type: "button", class: "layer-link mono", title: path, "data-layer": index,
    onclick: () => goToLayer(index) }, path);
}
