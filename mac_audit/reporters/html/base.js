// What the scripts of every page share: the data, elements made from text, numbers as people read them, the theme,
// and plots. Text from a model becomes text of an element, or goes through `plain` into plotly, never into markup.
"use strict";

const page = { data: JSON.parse(document.getElementById("data").textContent), plots: new Map(), pending: new Map() };

const CLASSES = ["conv", "pointwise-conv", "grouped-conv", "depthwise-conv", "matmul", "pool", "norm", "elementwise",
  "data-movement", "reduction", "other"];

// An element: `attributes` may hold `class`, `data-…`, `aria-…`, handlers like `onclick`; children are elements or text.
function element(tag, attributes = {}, ...children) {
  const [name, svg] = tag.startsWith("svg:") ? [tag.slice(4), true] : [tag, false];
  const node = svg ? document.createElementNS("http://www.w3.org/2000/svg", name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (key === "style") Object.entries(value).forEach(([property, set]) => node.style.setProperty(property, set));
    else node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== ""));
  return node;
}

// A section of the page with a title, an entry in the navigation, and a sentence under it.
function section(id, title, note, ...children) {
  const heading = element("h2", { id: `${id}-title` }, title);
  const node = element("section", { id, "aria-labelledby": `${id}-title` }, heading,
    note ? element("p", { class: "note" }, note) : null, ...children);
  document.querySelector("header nav").append(element("a", { href: `#${id}` }, title));
  document.getElementById("main").append(node);
  return node;
}

// Takes away what was shown before, with its plots.
function clear() {
  document.getElementById("main").replaceChildren();
  document.querySelector("header nav").replaceChildren();
  for (const node of page.plots.keys()) Plotly.purge(node);
  page.plots.clear();
  page.pending.clear();
}

// Buttons of which one is pressed; `choose` is told which.
function choice(label, options, chosen, choose) {
  const buttons = options.map(([value, title, disabled]) => element("button", { type: "button", "data-value": value,
    "aria-pressed": String(value === chosen), disabled, title: disabled || null, onclick: () => {
      buttons.forEach((other) => other.setAttribute("aria-pressed", String(other.dataset.value === value)));
      choose(value);
    } }, title));
  return element("div", { class: "switch", role: "group", "aria-label": label }, buttons);
}

// --- numbers: three significant digits, SI prefixes, decimal bytes ---------------------------------------------------

function three(number) {
  const whole = String(Math.trunc(Math.abs(Number(number.toPrecision(3))))).length;
  return number.toFixed(Math.max(0, 3 - whole));
}

function count(number, unit = "") {
  if (Math.abs(number) < 1000) return `${Number.isInteger(number) ? number : three(number)} ${unit}`.trim();
  let power = 0;
  for (; Math.abs(number) >= 999.5 && power < 6; power++) number /= 1000;
  return `${three(number)} ${" KMGTPE"[power].trim()}${unit}`;
}

const size = (number) => count(number, "B");
const percent = (share) => `${(100 * share).toFixed(1)} %`;
const shape = (sizes) => (sizes.length ? sizes.join("×") : "scalar");

function duration(ms) {
  if (Math.abs(ms) < 1) return `${three(1000 * ms)} µs`;
  return Math.abs(ms) < 1000 ? `${three(ms)} ms` : `${three(ms / 1000)} s`;
}

// --- colours ---------------------------------------------------------------------------------------------------------

// The colour of a variable of page.css as the theme has it now, or a share of it on paper; plotly knows no variables.
function color(name, share = 1) {
  const mixed = `color-mix(in srgb, var(--${name}) ${100 * share}%, var(--paper))`;
  const probe = element("span", { style: { color: share < 1 ? mixed : `var(--${name})`, display: "none" } });
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

const known = (kind) => (CLASSES.includes(kind) ? kind : "other");
const swatch = (kind) => element("span", { class: "swatch", style: { background: `var(--${known(kind)})` } });
const legend = (kinds) => element("ul", { class: "legend" }, kinds.map((kind) => element("li", {}, swatch(kind), kind)));

// --- plots -----------------------------------------------------------------------------------------------------------

// Plotly reads <b>, <a> and the like in its texts; what comes from a model is none of that.
function plain(text, longest = 60) {
  const short = text.length > longest ? `${text.slice(0, longest / 2)}…${text.slice(-longest / 2)}` : text;
  return short.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
}

// A plot that is drawn when it comes into sight, and again when the theme changes. `make` gives {data, layout}.
function plot(label, height, make, drawn = () => {}) {
  const node = element("div", { class: "plot", role: "figure", "aria-label": label, style: { height: `${height}px` } });
  page.pending.set(node, () => {
    page.pending.delete(node);
    page.plots.set(node, () => draw(node, make));
    draw(node, make).then(() => drawn(node));
  });
  if (document.readyState !== "loading") sight.observe(node);
  return node;
}

const sight = new IntersectionObserver((entries) => {
  for (const entry of entries) if (entry.isIntersecting) page.pending.get(entry.target)?.();
}, { rootMargin: "300px" });

// The library is the last script of the page.
addEventListener("DOMContentLoaded", () => [...page.pending.keys()].forEach((node) => sight.observe(node)));

// Draws a plot again, with what `make` gives now.
const redraw = (node) => page.plots.get(node)?.();

function draw(node, make) {
  const { data, layout } = make();
  const [ink, line, paper] = ["ink", "line", "paper"].map((name) => color(name));
  const axis = { gridcolor: line, zerolinecolor: line, linecolor: line, automargin: true };
  const axes = Object.fromEntries(["xaxis", "yaxis"].map((name) => [name, { ...axis, ...layout[name] }]));
  return Plotly.react(node, data, {
    font: { family: getComputedStyle(document.body).fontFamily, size: 12, color: ink },
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", margin: { l: 60, r: 20, t: 20, b: 60 },
    hoverlabel: { bgcolor: paper, bordercolor: line, font: { color: ink }, align: "left" }, ...layout, ...axes,
  }, { displaylogo: false, responsive: true, modeBarButtonsToRemove: ["lasso2d", "select2d"], showTips: false,
    showSendToCloud: false, plotlyServerURL: "", toImageButtonOptions: { format: "svg" } });
}

// --- theme and print -------------------------------------------------------------------------------------------------

const isDark = () => getComputedStyle(document.documentElement).colorScheme === "dark" ||
  (!document.documentElement.dataset.theme && matchMedia("(prefers-color-scheme: dark)").matches);

function recolor() {
  for (const again of page.plots.values()) again();
}

document.querySelector(".controls").append(element("button", { type: "button", id: "theme", onclick: () => {
  document.documentElement.dataset.theme = isDark() ? "light" : "dark";
  recolor();
} }, "Light or dark"));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", recolor);
matchMedia("print").addEventListener("change", recolor);
addEventListener("beforeprint", () => {
  for (const now of [...page.pending.values()]) now();
  recolor();
});
