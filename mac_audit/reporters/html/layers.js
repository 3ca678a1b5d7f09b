// The layers as a table: sorted by its headings, filtered by what is typed, each with its line.
"use strict";

const PAGE_ROWS = 200;

function layersView(model) {
  if (!model.rows.length) return;
  const columns = [
    ["path", "Layer", (row) => element("span", { class: "mono ellipsis path", title: row.path, style: { "padding-left": `${Math.min(row.depth, 12) * 0.7}em` } }, lastPart(row.path) || model.name)],
    ["type", "Type", (row) => element("span", { class: "ellipsis type", title: row.type }, row.type)], ["output", "Output", (row) => row.output],
    ["params", "Params", (row) => amount(row.params)], ["madds", "Multiply-adds", (row) => (row.lower ? "≥ " : "") + amount(row.madds)],
    ["mac", "MAC", (row) => amount(row.mac)], ["ms", "Time", (row) => (row.ms ? duration(row.ms) : "–")], ["share", "Share", (row) => shareBar(row)],
    ["line", "Line", (row) => sourceLink(row.line)],
  ].filter(([name]) => name !== "ms" || model.device);
  const amount = (number) => (number ? count(number) : "–");
  const measure = model.device ? "ms" : "mac";
  const total = model.rows[0][measure] || 1;
  const shareBar = (row) => [element("span", { class: "share-bar", style: { width: `${(3.5 * row[measure]) / total}rem` } }), element("span", { class: "share" }, percent(row[measure] / total))];
  const numbers = new Set(["params", "madds", "mac", "ms", "share"]);
  const state = { sort: null, down: true, find: "", most: PAGE_ROWS, target: null };
  const body = element("tbody");
  const status = element("span", { class: "note", role: "status" });
  const more = element("button", { type: "button", class: "no-print", onclick: () => { state.most = Infinity; show(); } });
  const search = element("input", { type: "search", id: "search", placeholder: "Find a layer  /", "aria-label": "Find a layer by path, type or line",
    oninput: () => { state.find = search.value.toLowerCase(); state.target = null; show(); } });
  const titles = columns.map(([name, title]) => element("th", { scope: "col", class: numbers.has(name) ? "number" : null }, element("button", { type: "button", onclick: () => {
    if (state.sort !== name) [state.sort, state.down] = [name, numbers.has(name)];
    else if (state.down === numbers.has(name)) state.down = !state.down;
    else state.sort = null;
    show();
  } }, title)));

  function found() {
    const rows = model.rows.map((row, i) => ({ ...row, i, share: row[measure] || 0 }))
      .filter((row) => !state.find || `${row.path}\n${row.type}\n${row.line ? row.line.join(":") : ""}`.toLowerCase().includes(state.find));
    if (!state.sort) return rows;
    const key = (row) => (state.sort === "line" ? (row.line ? `${row.line[0]}:${String(row.line[1]).padStart(8, "0")}` : "") : row[state.sort] ?? -1);
    const order = (a, b) => (numbers.has(state.sort) ? key(a) - key(b) : key(a).localeCompare(key(b), "en", { numeric: true }));
    return rows.sort((a, b) => (state.down ? -order(a, b) : order(a, b)) || a.i - b.i);
  }

  function show() {
    const rows = found();
    const place = state.target === null ? 0 : rows.findIndex((row) => row.i === state.target) + 1;
    const shown = rows.slice(0, Math.max(state.most, place));
    const whole = state.sort !== null || state.find !== "";
    body.replaceChildren(...shown.map((row) => element("tr", { "data-layer": row.i, class: row.i === state.target ? "target" : null, tabindex: row.i === state.target ? -1 : null },
      columns.map(([name, , cell]) => element("td", { class: numbers.has(name) ? "number" : null },
        name === "path" && whole ? element("span", { class: "mono ellipsis path", title: row.path }, row.path || model.name) : cell(row))))));
    status.textContent = `${rows.length} of ${model.rows.length} layers`;
    more.textContent = `Show all ${rows.length}`;
    more.hidden = shown.length >= rows.length;
    titles.forEach((title, i) => title.setAttribute("aria-sort", columns[i][0] !== state.sort ? "none" : state.down ? "descending" : "ascending"));
  }

  page.goToLayer = (index) => {
    Object.assign(state, { sort: null, find: "", target: index });
    search.value = "";
    show();
    const row = body.querySelector("tr.target");
    row?.scrollIntoView({ block: "center" });
    row?.focus({ preventScroll: true });
    page.showInTreemap?.(index);
  };
  page.search = search;
  section("layers", "Layers", "Figures include the layers inside. Headings sort; a third press gives the model's own order back. Lines are those that made the layer.",
    element("div", { class: "switch" }, search, status), element("div", { class: "scroll" }, element("table", { id: "layer-table" }, element("thead", {}, element("tr", {}, titles)), body)), more);
  show();
}

const goToLayer = (index) => page.goToLayer?.(index);

addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || /^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName)) return;
  event.preventDefault();
  page.search?.scrollIntoView({ block: "center" });
  page.search?.focus();
});
