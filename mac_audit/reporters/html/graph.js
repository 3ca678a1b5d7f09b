// The architecture as a column of blocks, coloured by cost; one that is opened shows its operators as they feed each other.
"use strict";

const BLOCK = { width: 300, height: 46, gap: 16, left: 70 };
const BOX = { width: 148, height: 40, gapX: 14, gapY: 26 };

function graphView(model) {
  const { graph, ops } = model;
  if (!graph.nodes.length) return;
  const measure = model.device ? "ms" : "mac";
  const written = model.device ? duration : count;
  const total = ops.reduce((sum, row) => sum + row[measure], 0) || 1;
  graph.nodes.forEach((node) => {
    node.rows = node.operators.map((i) => ops[i]);
    node.cost = node.rows.reduce((sum, row) => sum + row[measure], 0);
  });
  const inside = element("div", { class: "inside", tabindex: 0, "aria-label": "Operators of the block", role: "region" });
  const column = element("div", { class: "column", tabindex: 0, "aria-label": "Blocks", role: "region" });
  const opened = new Set();
  const open = (i) => {
    column.querySelectorAll(".node").forEach((node) => node.classList.toggle("open", Number(node.dataset.node) === i));
    inside.replaceChildren(...insideOf(model, i, measure, written, total));
  };
  const show = () => column.replaceChildren(columnOf(model, opened, written, total, open, (turn) => {
    opened.has(turn) ? opened.delete(turn) : opened.add(turn);
    show();
  }));
  show();
  section("graph", "Architecture",
    `Blocks in the order of execution, darker where they take more ${model.device ? "of the predicted time" : "memory access"}. ` +
    "A thick border marks a fragmented block, a number in a circle its findings. Open a block to see its operators.",
    element("div", { class: "graph" }, column, inside));
  open(Math.max(0, graph.nodes.findIndex((node) => node.block)));
}

// Titles that SVG cannot cut by itself.
const cut = (told, longest) => (told.length > longest ? `${told.slice(0, longest / 3)}…${told.slice(-(2 * longest) / 3 + 1)}` : told);

function activated(act) {
  return { tabindex: 0, role: "button", onclick: act, onkeydown: (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    act();
  } };
}

// Nodes from top to bottom. Of turns that repeat the first is drawn, until they are opened.
function columnOf(model, opened, written, total, open, toggle) {
  const { nodes, turns } = model.graph;
  const [drawn, at, more] = [[], new Map(), []];
  let y = 8;
  for (const [first, length, times] of turns) {
    const all = opened.has(first) ? length * times : length;
    const top = y;
    for (let i = first; i < first + all; i++, y += BLOCK.height + BLOCK.gap) at.set(i, y);
    for (let i = first + all; i < first + length * times; i++) at.set(i, at.get(first + ((i - first) % length)));
    if (times > 1) {
      const label = opened.has(first) ? "fold" : `× ${times}`;
      more.push(element("svg:path", { class: "brace", d: `M${BLOCK.left + BLOCK.width + 6} ${top}h6V${y - BLOCK.gap}h-6` }),
        element("svg:g", { class: "times", ...activated(() => toggle(first)), "aria-label": opened.has(first) ? "Fold alike blocks" : `${times} times; show all` },
          element("svg:text", { x: BLOCK.left + BLOCK.width + 18, y: (top + y - BLOCK.gap) / 2 + 4 }, label)));
    }
  }
  const most = Math.max(...nodes.map((node) => node.cost), 1e-30);
  const edges = new Set();
  nodes.forEach((node, i) => node.after.forEach((j) => {
    const [from, to] = [at.get(j) + BLOCK.height, at.get(i)];
    if (to >= from) edges.add(edgeOf(from, to));
  }));
  const shown = new Set();
  nodes.forEach((node, i) => {
    if (shown.has(at.get(i))) return;
    shown.add(at.get(i));
    drawn.push(nodeOf(node, i, at.get(i), node.cost / most, written, total, open));
  });
  const width = BLOCK.left + BLOCK.width + 70;
  return element("svg:svg", { width, height: y + 8, viewBox: `0 0 ${width} ${y + 8}`, "aria-label": "Blocks of the architecture" },
    [...edges].map((d) => element("svg:path", { class: "edge", d })), drawn, more);
}

// Straight to the next node; past others in a bow on the left.
function edgeOf(from, to) {
  const x = BLOCK.left + BLOCK.width / 2;
  if (to - from <= BLOCK.gap) return `M${x} ${from}V${to}`;
  const bow = Math.min(BLOCK.left - 8, 24 + (to - from) / 12);
  return `M${BLOCK.left + 20} ${from}C${BLOCK.left - bow} ${from + 20} ${BLOCK.left - bow} ${to - 20} ${BLOCK.left + 20} ${to}`;
}

function nodeOf(node, i, y, share, written, total, open) {
  const title = node.title || "the model";
  const fragmented = node.block && node.block[0] > node.block[1];
  const told = [`${node.rows.length} operator${node.rows.length === 1 ? "" : "s"}`, fragmented ? `${node.block[2]} wide` : "", `${written(node.cost)}, ${percent(node.cost / total)}`].filter(Boolean).join(" · ");
  return element("svg:g", { class: `node${fragmented ? " fragmented" : ""}`, "data-node": i, transform: `translate(${BLOCK.left} ${y})`, ...activated(() => open(i)), "aria-label": `${title}: ${told}; ${node.findings} findings` },
    element("svg:title", {}, `${title}\n${told}`),
    element("svg:rect", { width: BLOCK.width, height: BLOCK.height, rx: 5, style: { fill: `color-mix(in oklab, var(--heat) ${(85 * share).toFixed(1)}%, var(--panel))` } }),
    element("svg:svg", { width: BLOCK.width - (node.findings ? 30 : 8), height: BLOCK.height }, // which cuts what is too long
      element("svg:text", { class: "title", x: 12, y: 19 }, cut(title, 36)), element("svg:text", { class: "small", x: 12, y: 36 }, told)),
    node.findings ? [element("svg:circle", { class: "badge", cx: BLOCK.width - 16, cy: 15, r: 10 }), element("svg:text", { class: "badge-text", x: BLOCK.width - 16, y: 19, "text-anchor": "middle" }, node.findings > 99 ? "99+" : node.findings)] : null);
}

// The operators of one node, each below what it reads; a dot on top is what comes from outside.
function insideOf(model, i, measure, written, total) {
  const node = model.graph.nodes[i];
  const widths = new Map();
  node.places.forEach(([rank]) => widths.set(rank, (widths.get(rank) || 0) + 1));
  const widest = Math.max(...widths.values());
  const place = node.places.map(([rank, slot]) => ({
    x: 10 + ((widest - widths.get(rank)) / 2 + slot) * (BOX.width + BOX.gapX), y: 26 + rank * (BOX.height + BOX.gapY) }));
  const at = new Map(node.operators.map((j, k) => [j, place[k]]));
  const lines = [];
  node.rows.forEach((row, k) => row.after.forEach((j) => {
    const to = place[k];
    const from = at.get(j);
    const x = to.x + BOX.width / 2;
    if (!from) lines.push(element("svg:path", { class: "edge", d: `M${x} ${to.y - 12}V${to.y}` }), element("svg:circle", { class: "entry", cx: x, cy: to.y - 12, r: 3 }));
    else {
      const [x0, y0] = [from.x + BOX.width / 2, from.y + BOX.height];
      lines.push(element("svg:path", { class: "edge", d: `M${x0} ${y0}C${x0} ${y0 + 18} ${x} ${to.y - 18} ${x} ${to.y}` }));
    }
  }));
  const boxes = node.rows.map((row, k) => {
    const path = nameOf(row, model);
    const inside = node.title && path.startsWith(`${node.title}.`) ? path.slice(node.title.length + 1) : "";
    const own = inside || (node.rows.length > 1 ? row.target.split(".")[1] || row.target : lastPart(path));
    return element("svg:g", { class: "op", transform: `translate(${place[k].x} ${place[k].y})`, ...activated(() => goToLayer(row.layer)), "aria-label": `${path}, ${row.kind}` },
      element("svg:title", {}, `${path}\n${row.target} → ${row.output}\n${row.kind}, ${written(row[measure])}, ${percent(row[measure] / total)}`),
      element("svg:rect", { width: BOX.width, height: BOX.height, rx: 4 }), element("svg:rect", { class: "strip", width: 7, height: BOX.height, rx: 3, style: { fill: `var(--${known(row.kind)})` } }),
      element("svg:svg", { width: BOX.width - 4, height: BOX.height },
        element("svg:text", { class: "title", x: 14, y: 17 }, cut(own, 18)), element("svg:text", { class: "small", x: 14, y: 32 }, cut(`${written(row[measure])}  ${row.output}`, 24))));
  });
  const [width, height] = [20 + widest * (BOX.width + BOX.gapX), 40 + (Math.max(...widths.keys()) + 1) * (BOX.height + BOX.gapY)];
  const picture = element("svg:svg", { width, height, viewBox: `0 0 ${width} ${height}`, "aria-label": `Operators of ${node.title}` }, lines, boxes);
  const fit = () => Math.min(1, Math.max(0.55, (0.62 * document.getElementById("main").clientWidth) / width));
  const zoom = (factor) => ["width", "height"].forEach((side) => picture.setAttribute(side, picture.getAttribute(side) * factor));
  zoom(fit());
  const block = node.block ? `${node.block[0]} of ${node.rows.length} operators are units of work; ${node.block[1]} on the longest chain, at most ${node.block[2]} side by side` : "on the way of everything";
  return [element("div", { class: "inside-head" }, element("strong", { class: "mono" }, node.title || "the model"), element("span", { class: "note" }, ` ${block} `),
    element("span", { class: "switch" }, element("button", { type: "button", "aria-label": "Smaller", onclick: () => zoom(1 / 1.25) }, "−"), element("button", { type: "button", "aria-label": "Larger", onclick: () => zoom(1.25) }, "+"))),
    element("div", { class: "inside-scroll" }, picture), legend(CLASSES.filter((kind) => node.rows.some((row) => known(row.kind) === kind)))];
}
