// Two architectures side by side: totals, classes, layers with what changed, rules, findings.
"use strict";

const FIGURES = { mac_elements: ["MAC, elements", count], madds: ["multiply-adds", count],
  predicted_ms: ["predicted time", duration], operators: ["operators", count] };
const KINDS = ["added", "removed", "changed", "moved"];

const signed = (number, show = count) => (number ? `${number > 0 ? "+" : "−"}${show(Math.abs(number))}` : "–");

function table(label, titles, rows) {
  return element("div", { class: "scroll" }, element("table", { "aria-label": label },
    element("thead", {}, element("tr", {}, titles.map(([title, number]) =>
      element("th", { scope: "col", class: number ? "number" : null }, title)))),
    element("tbody", {}, rows.map((row) => element("tr", {}, row.map((cell, place) =>
      element(place ? "td" : "th", { scope: place ? null : "row", class: titles[place][1] ? "number" : "name" }, cell)))))));
}

// --- classes: before and after beside each other ---------------------------------------------------------------------

function classes(diff, id) {
  const names = Object.keys(diff.classes).reverse();
  const figures = Object.keys(FIGURES).filter((key) => names.some((name) => diff.classes[name][key]));
  let chosen = figures[0];
  const value = (name, side) => diff.classes[name][chosen]?.[side] ?? 0;
  const picture = plot("cost by class, before and after", 70 + 44 * names.length, () => {
    const [title, show] = FIGURES[chosen];
    const side = (key, label, opacity) => ({ type: "bar", orientation: "h", name: label, y: names.map((name) => plain(name)),
      x: names.map((name) => value(name, key)), text: names.map((name) => show(value(name, key))),
      textposition: "outside", cliponaxis: false, hoverinfo: "y+text+name", marker: { opacity,
        color: names.map((name) => color(known(name))) } });
    return { data: [side("new", "after", 1), side("old", "before", 0.45)], layout: { barmode: "group",
      xaxis: { title: { text: title }, tickformat: "~s" }, yaxis: { type: "category" }, margin: { l: 120, r: 70, t: 10, b: 50 },
      showlegend: false } };
  });
  const by = choice("By", figures.map((key) => [key, FIGURES[key][0]]), chosen, (key) => {
    chosen = key;
    redraw(picture);
  });
  section(`classes${id}`, "Where it goes", "By class of operator, before (pale) and after.", by, picture);
}

// --- layers ----------------------------------------------------------------------------------------------------------

function bar(number, most) {
  const width = `${(3 * Math.abs(number)) / (most || 1)}em`;
  return [element("span", { class: `bar ${number > 0 ? "more" : "less"}`, style: { width } }), " ", signed(number)];
}

const differing = (one, other) => (one && other && one !== other ? [one, " → ", element("b", {}, other)] : other || one || "–");

function layers(diff, id) {
  if (!diff.layers.length) {
    section(`layers${id}`, "Layers", "No layer changed.");
    return;
  }
  const most = Math.max(...diff.layers.map((layer) => Math.abs(layer.mac_elements)));
  const place = (layer) => (layer.new ?? layer.old).path;
  const columns = [
    { title: "layer", heading: true, key: place, cell: (layer) => differing(layer.old?.path, layer.new?.path) },
    { title: "", key: (layer) => layer.kind, cell: (layer) => layer.kind },
    { title: "type", key: (layer) => (layer.new ?? layer.old).type,
      cell: (layer) => differing(layer.old?.type, layer.new?.type) },
    { title: "output", cell: (layer) => differing(layer.old?.output, layer.new?.output) },
    { title: "params", number: true, key: (layer) => layer.params, cell: (layer) => signed(layer.params) },
    { title: "madds", number: true, key: (layer) => layer.madds, cell: (layer) => signed(layer.madds) },
    { title: "MAC", number: true, key: (layer) => layer.mac_elements, cell: (layer) => bar(layer.mac_elements, most) },
    ...(diff.layers.some((layer) => layer.predicted_ms) ? [{ title: "time", number: true,
      key: (layer) => layer.predicted_ms, cell: (layer) => signed(layer.predicted_ms, duration) }] : []),
    { title: "line", cell: (layer) => element("code", {}, layer.new?.line ?? layer.old?.line ?? "") },
  ];
  const ordered = [...diff.layers].sort((a, b) => Math.abs(b.mac_elements) - Math.abs(a.mac_elements));
  const body = sortable("layers that changed", columns, ordered, (layer) => ({ "data-kind": layer.kind }));
  const kinds = KINDS.filter((kind) => diff.layers.some((layer) => layer.kind === kind));
  const counts = kinds.map((kind) => `${diff.layers.filter((layer) => layer.kind === kind).length} ${kind}`);
  const search = element("input", { type: "search", placeholder: "Filter", "aria-label": "Filter layers", oninput: narrow });
  let only = "all";
  function narrow() {
    const wanted = search.value.toLowerCase();
    for (const row of body.querySelectorAll("tbody tr")) {
      row.hidden = (only !== "all" && row.dataset.kind !== only) || !row.textContent.toLowerCase().includes(wanted);
    }
  }
  body.addEventListener("click", narrow);  // a sorted table is made anew
  section(`layers${id}`, "Layers", `${counts.join(", ")}. Figures are what their own operators cost, the greatest change`
    + " of memory access first; they add up to the change of the totals.",
  element("div", {}, choice("Show", [["all", "all"], ...kinds.map((kind) => [kind, kind])], only, (kind) => {
    only = kind;
    narrow();
  }), " ", search), body);
}

// --- all of it, for each model ---------------------------------------------------------------------------------------

function findings(found) {
  return first(30, found.map((one) => element("li", {}, element("b", {}, one.code), " ", one.places, " ",
    element("code", {}, one.line), one.told.map((line) => element("div", {}, line)))), "lines of code");
}

page.data.forEach((diff, place) => {
  const id = page.data.length > 1 ? `-${place + 1}` : "";
  const names = diff.old.name === diff.new.name ? diff.new.name : `${diff.old.name} → ${diff.new.name}`;
  const verdicts = [diff.old, diff.new].map((side) => element("span", { class: side.verdict }, side.verdict));
  section(`totals${id}`, id ? names : "Totals", null, element("p", {}, names, ": ", verdicts[0], " → ", verdicts[1]),
    diff.exceeded.map((text) => element("p", { class: "fail" }, `${text}.`)),
    diff.notes.map((text) => element("p", { class: "warning" }, `${text}.`)),
    table("totals", [[""], ["before", true], ["after", true], ["change", true], ["", true]], diff.totals));
  classes(diff, id);
  layers(diff, id);
  section(`rules${id}`, "Rules", diff.rules.length ? null : "No rule changed.", diff.rules.length
    ? table("rules", [["rule"], ["before"], ["after"]], diff.rules) : null);
  section(`findings${id}`, "Findings", diff.added.length + diff.mended.length ? null : "None is new, none is mended.",
    diff.added.length ? [element("h3", { class: "fail" }, "New"), findings(diff.added)] : null,
    diff.mended.length ? [element("h3", { class: "pass" }, "Mended"), findings(diff.mended)] : null);
});
