// What each class of operator takes of time, memory access and multiply-adds (Figure 2 of the paper, for one model).
"use strict";

function decompositionView(model) {
  const classes = Object.entries(model.classes);
  if (!classes.length) return;
  const rows = [["operators", "operators", count], ["madds", "multiply-adds", count], ["mac_elements", "memory access", count]];
  if (model.device) rows.push(["predicted_ms", "predicted time", duration]);
  const main = model.device ? "predicted_ms" : "mac_elements";
  classes.sort(([, a], [, b]) => b[main] - a[main]);
  const total = Object.fromEntries(rows.map(([name]) => [name, classes.reduce((sum, [, cost]) => sum + cost[name], 0) || 1]));
  section("classes", model.device ? "What takes the time" : "What takes the memory access",
    "Shares by class of operator. Where a bar is long below and short above, FLOPs do not tell the cost.",
    model.device ? null : noDevice(), legend(kindsIn(model)),
    plot("Shares of each class of operator", 90 + 44 * rows.length, () => ({
      data: classes.map(([kind, cost]) => ({
        type: "bar", orientation: "h", name: plain(kind), y: rows.map(([, title]) => title), x: rows.map(([name]) => cost[name] / total[name]),
        marker: { color: color(known(kind)), line: { width: 1, color: color("paper") } },
        hovertext: rows.map(([name, title, written]) => `${plain(kind)}<br>${percent(cost[name] / total[name])} of ${title}<br>${written(cost[name])}`), hoverinfo: "text",
      })),
      layout: { barmode: "stack", showlegend: false, xaxis: { tickformat: ".0%", range: [0, 1], fixedrange: true }, yaxis: { autorange: "reversed", fixedrange: true }, margin: { l: 110, r: 20, t: 10, b: 40 } },
    })),
    element("div", { class: "scroll" }, element("table", {},
      element("thead", {}, element("tr", {}, element("th", { scope: "col" }, "class"), rows.map(([, title]) => [
        element("th", { scope: "col", class: "number" }, title), element("th", { scope: "col", class: "number" }, "share")]))),
      element("tbody", {}, classes.map(([kind, cost]) => element("tr", {}, element("td", {}, swatch(kind), kind), rows.map(([name, , written]) => [
        element("td", { class: "number" }, cost[name] ? written(cost[name]) : "–"), element("td", { class: "number" }, cost[name] ? percent(cost[name] / total[name]) : "")])))))));
}
