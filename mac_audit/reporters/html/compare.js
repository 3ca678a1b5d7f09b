// Several models beside each other: a cost against the time on a device, as in Figure 1 of the ShuffleNetV2 paper.
"use strict";

const { comparison, told } = page.data;
const models = comparison.models.map((model, place) => ({ ...model, place }));
const audited = models.filter((model) => !model.error);
const devices = comparison.devices.map((device) => device.name);
const FIGURES = { flops: "FLOPs", mac_elements: "MAC, elements", params: "parameters" };
const chosen = { across: "flops", device: devices[0] ?? null };

const breaks = (model) => model.rules.filter((rule) => rule.verdict === "fail").map((rule) => rule.code);
const slowest = Object.fromEntries(devices.map((name) => [name, Math.max(...audited.map((m) => m.times[name] ?? 0))]));
const short = (name) => name.split(/[/:\\]/).pop() || name;  // without a folder or a scheme
const least = (model) => (model.lower_bound ? "≥ " : "");

// --- the scatter -----------------------------------------------------------------------------------------------------

const up = (model) => (chosen.device === null ? model.mac_elements : model.times[chosen.device]);

function hover(model) {
  const lines = [`<b>${plain(model.name, 80)}</b>`, `${least(model)}${count(model.flops)} FLOPs`,
    `${count(model.mac_elements)} MAC, ${size(model.mac_bytes)}`, `${count(model.params)} parameters`];
  for (const name of devices) if (name in model.times) lines.push(`${duration(model.times[name])} on ${plain(name)}`);
  const broken = breaks(model);
  return [...lines, broken.length ? `breaks ${plain(broken.join(" "))}` : "breaks no rule"].join("<br>");
}

function scatter() {
  const shown = audited.filter((model) => up(model) > 0 && model[chosen.across] > 0);
  const most = Math.max(1, ...shown.map((model) => model.mac_elements));
  const group = (verdict, symbol, name) => {
    const own = shown.filter((model) => (model.verdict === "pass") === (verdict === "pass"));
    return { type: "scatter", mode: "markers+text", name, x: own.map((model) => model[chosen.across]), y: own.map(up),
      text: own.map((model) => plain(short(model.name), 32)), textposition: "top center", cliponaxis: false,
      hovertext: own.map(hover), hoverinfo: "text", customdata: own.map((model) => model.place),
      marker: { symbol, color: color(verdict), opacity: 0.85, sizemode: "area", sizemin: 5, line: { color: color("paper"),
        width: 1 }, size: own.map((model) => model.mac_elements), sizeref: (2 * most) / 42 ** 2 } };
  };
  const axis = (title) => ({ type: "log", title: { text: title }, tickformat: "~s", dtick: "D2", minor: { showgrid: false } });
  const time = chosen.device === null ? "MAC, elements" : `predicted time on ${plain(chosen.device)}, ms`;
  return { data: [...falls(shown), group("pass", "circle", "breaks no guideline"),
    group("fail", "diamond", "breaks one")],
  layout: { xaxis: axis(FIGURES[chosen.across]), yaxis: { ...axis(time), tickformat: chosen.device ? "~g" : "~s" },
    legend: { orientation: "h", y: 1.08 }, margin: { l: 70, r: 40, t: 40, b: 55 }, hovermode: "closest" } };
}

// A line joins two models of which the one with less of the cost takes longer: it falls.
function falls(shown) {
  const x = [], y = [];
  for (const one of shown) for (const other of shown) {
    if (one[chosen.across] < other[chosen.across] && up(one) > up(other)) {
      x.push(one[chosen.across], other[chosen.across], null);
      y.push(up(one), up(other), null);
    }
  }
  return x.length ? [{ type: "scatter", mode: "lines", name: "less of it, and slower", x, y, hoverinfo: "skip",
    line: { color: color("warn"), width: 1, dash: "dot" } }] : [];
}

const picture = plot("a cost of each model against its time", 560, scatter);
const across = choice("Across", Object.entries(FIGURES), chosen.across, (value) => {
  chosen.across = value;
  redraw(picture);
});
const on = devices.length > 1 ? choice("On", devices.map((name) => [name, name]), chosen.device, (value) => {
  chosen.device = value;
  redraw(picture);
}) : null;
section("scatter", "Cost and time", devices.length
  ? "Area is memory access (MAC). A dotted line falls from a model that has less of the cost and takes longer."
  : "Name a device with --device to see times; up here is memory access (MAC).",
element("div", { class: "no-print" }, "across ", across, on ? [" on ", on] : null), picture);

// --- where they disagree ---------------------------------------------------------------------------------------------

if (devices.length) {
  const parts = devices.map((name, place) => {
    const orders = comparison.orders.map((order, at) => ({ ...order, said: told.agreements[at] }))
      .filter((order) => order.device === name);
    return [element("h3", {}, name, " ", element("span", { class: "note" }, told.expected[place])),
      orders.map((order) => [element("p", {}, `${order.said}.`), order.figure === "flops" && order.pairs.length
        ? first(10, order.pairs.map((pair) => element("li", {}, element("b", {}, pair.slower),
          ` has ${pair.cost.toFixed(2)} of the FLOPs of `, element("b", {}, pair.faster),
          ` and takes ${pair.time.toFixed(2)} times as long`)), "pairs") : null])];
  });
  section("orders", "Where FLOPs and time disagree", null, parts);
}

// --- the models ------------------------------------------------------------------------------------------------------

function bar(model, name) {
  const ms = model.times[name];
  if (ms === undefined) return "–";
  return [element("span", { class: "bar", style: { width: `${(3 * ms) / slowest[name]}em` } }), " ", duration(ms)];
}

const figure = (title, key, show) => ({ title, number: true, key: (model) => (model.error ? null : model[key]),
  cell: (model) => (model.error ? "–" : show(model)) });
const columns = [
  { title: "model", heading: true, key: (model) => model.name, cell: (model) => [element("b", {}, model.name),
    model.error ? element("p", { class: "error" }, model.error) : null] },
  { title: "verdict", key: (model) => model.verdict,
    cell: (model) => element("span", { class: model.verdict }, model.verdict) },
  ...(told.alike ? [] : [{ title: "input", cell: (model) => told.inputs[model.place] }]),
  figure("params", "params", (model) => count(model.params)),
  figure("FLOPs", "flops", (model) => `${least(model)}${count(model.flops)}`),
  figure("MAC", "mac_elements", (model) => element("span", { title: size(model.mac_bytes) }, count(model.mac_elements))),
  ...devices.map((name) => ({ title: name, number: true, key: (model) => model.times[name] ?? null,
    cell: (model) => bar(model, name) })),
  ...told.codes.map((code) => ({ title: code, number: true,
    key: (model) => model.rules.find((rule) => rule.code === code)?.value ?? null,
    cell: (model) => {
      const place = model.rules.findIndex((rule) => rule.code === code);
      if (place < 0) return "–";
      const rule = model.rules[place];
      return element("span", { class: rule.verdict === "fail" ? "fail" : null, title: rule.reason || rule.measure || null },
        told.values[model.place][place]);
    } })),
  figure("findings", "findings", (model) => count(model.findings)),
];
section("models", "Models", told.alike && audited.length ? `All of them on ${told.inputs[audited[0].place]}.` : null,
  sortable("models", columns, models), element("p", { class: "note" }, told.legend.join(" ")));
