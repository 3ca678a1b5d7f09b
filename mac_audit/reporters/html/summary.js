// The verdict, the totals with their conventions, and the rules.
"use strict";

function summaryView(model) {
  const { totals } = model;
  const least = totals.lower_bound ? "≥ " : "";
  const twice = totals.flops !== totals.madds;
  const figures = [
    ["parameters", count(totals.params), ""],
    ["multiply-adds", least + count(totals.madds), twice ? `${least}${count(totals.flops)} FLOPs, each counted as two` : "FLOPs as the paper counts them"],
    ["memory access cost (MAC)", `${count(totals.mac_elements)} elements`, `${size(totals.mac_bytes)}: ${count(totals.reads_activation)} activations and ${count(totals.reads_weight)} weights read, ${count(totals.writes)} written`],
    ["operators", String(totals.operators), `${model.coverage.exact} exact, ${model.coverage.unknown.reduce((sum, entry) => sum + entry.count, 0)} unknown; ${model.coverage.free} free ones not counted`],
    ["predicted time", model.device ? duration(totals.predicted_ms) : "–", model.device ? `on ${model.device.name}; ${expected(model.device)}` : "name a device with --device"],
  ];
  const failing = model.rules.filter((rule) => rule.verdict === "fail").map((rule) => rule.code);
  section("summary", "Summary", null,
    element("p", { class: "verdict" }, element("span", { class: model.verdict }, model.verdict),
      failing.length ? ` ${failing.join(", ")} · ` : " · ", `${model.target}, ${model.inputs.join(", ")}`),
    model.troubles.map((trouble) => element("p", { class: "trouble" }, element("span", { class: trouble.severity }, trouble.severity),
      ` ${trouble.message} `, trouble.lines.map((line) => [sourceLink(line), " "]))),
    element("dl", { class: "figures" }, figures.map(([name, value, told]) =>
      element("div", {}, element("dt", {}, name), element("dd", {}, value), told ? element("dd", { class: "note" }, told) : null))),
    rulesTable(model),
    element("details", { class: "note" }, element("summary", {}, "What is counted, and how this was captured"),
      element("ul", {}, Object.values(model.conventions).map((text) => element("li", {}, text)),
        Object.entries(model.capture).map(([key, value]) => element("li", {}, `${key}: ${value}`)),
        model.device ? element("li", {}, `${model.device.name}: ${model.device.source}`) : null,
        model.notes.map((text) => element("li", {}, text)),
        element("li", {}, `mac-audit ${model.version}`))));
}

function rulesTable(model) {
  return element("div", { class: "scroll" }, element("table", { class: "rules" },
    element("thead", {}, element("tr", {}, ["", "Rule", "", "Value", "Limit", "What is measured"].map((title, i) =>
      element("th", { scope: "col", class: i === 3 || i === 4 ? "number" : null }, title)))),
    element("tbody", {}, model.rules.map((rule) => element("tr", {},
      element("td", { class: rule.verdict }, rule.verdict),
      element("td", {}, element("strong", { title: rule.help }, rule.code)), element("td", {}, rule.name),
      element("td", { class: "number" }, rule.told[0]), element("td", { class: "number" }, rule.told[1]),
      element("td", {}, [rule.measure, rule.reason].filter(Boolean).join("; ")))))));
}

const expected = (device) => (device.error === null ? "never compared with measurements" : `error ${percent(device.error)} on data that was held out`);

// A link to a line of code. It leads to the file as the report names it, which exists where the page lies beside the
// code; the text is what an editor opens. No scheme but file: can come of it.
function sourceLink(line) {
  if (!line) return element("span", { class: "note" }, "line not known");
  const [file, number] = line;
  const path = file.split(/[\\/]+/).map(encodeURIComponent).join("/");
  const href = path.startsWith("/") ? `file://${path}` : `./${path}`;
  return element("a", { class: "mono source", href: `${href}#L${number}`, title: `${file}:${number}` }, `${file}:${number}`);
}
