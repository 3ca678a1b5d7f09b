// A finding in pictures: now, and instead, drawn to the same scale from the counterfactual's names and numbers.
"use strict";

const PICTURE = { width: 152, height: 130 };
const TITLES = { now: "now", merged: "alike layers merged", instead: "instead", rounded: "rounded" };

function pictureOf(counterfactual) {
  const sides = Object.keys(TITLES).filter((side) => isTable(counterfactual[side])).map((side) => [TITLES[side], counterfactual[side]]);
  const all = sides.map(([, side]) => side);
  const has = (...names) => all.length && names.every((name) => typeof all[0][name] === "number");
  const drawing = has("c_in", "c_out") ? channels : has("fragments", "depth") ? fragments : null;
  const bars = has("mac_elements") ? accessBars(sides) : null;
  if (!drawing && bars) return passes(sides);
  if (drawing) return [element("div", { class: "sides" }, sides.map(([title, side]) => figure(title, drawing(side, all)))), bars];
  return element("div", { class: "sides" }, sides.map(([title, side]) => figure(title, element("dl", {},
    Object.entries(side).map(([name, value]) => element("div", {}, element("dt", {}, name.replaceAll("_", " ")),
      element("dd", {}, typeof value === "number" ? count(value) : String(value))))))));
}

const isTable = (value) => value !== null && typeof value === "object" && !Array.isArray(value);
const figure = (title, ...drawn) => element("figure", {}, element("figcaption", {}, title), drawn);

function svg(width, height, label, ...children) {
  return element("svg:svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": label }, children);
}

const text = (x, y, told, attributes = {}) => element("svg:text", { x, y, ...attributes }, told);

// Channels in and out as bars as tall as they are wide, with what connects them: one band a group.
function channels(side, all) {
  const { width, height } = PICTURE;
  const { c_in, c_out, groups = 1 } = side;
  const most = Math.max(...all.flatMap((other) => [other.c_in || 0, other.c_out || 0]), 1);
  const [full, middle] = [height - 34, (height - 34) / 2 + 2];
  const [left, right] = [c_in, c_out].map((channel) => Math.max(2, (channel / most) * full));
  const [x1, x2, bar] = [22, width - 40, 18];
  const shown = Math.min(groups, 32);
  const bands = Array.from({ length: shown }, (_, i) => {
    const at = (tall, share) => middle - tall / 2 + tall * share;
    const gap = shown > 1 ? 0.15 / shown : 0;
    const [from, to] = [i / shown + gap, (i + 1) / shown - gap];
    const points = [[x1 + bar, at(left, from)], [x2, at(right, from)], [x2, at(right, to)], [x1 + bar, at(left, to)]];
    return element("svg:polygon", { class: "band", points: points.map((point) => point.map((value) => value.toFixed(1)).join(",")).join(" ") });
  });
  return svg(width, height, `${c_in} channels in, ${c_out} out, ${groups} groups`, bands,
    element("svg:rect", { class: "bar", x: x1, y: middle - left / 2, width: bar, height: left }),
    element("svg:rect", { class: "bar", x: x2, y: middle - right / 2, width: bar, height: right }),
    text(x1 + bar / 2, height - 12, count(c_in), { "text-anchor": "middle" }), text(x2 + bar / 2, height - 12, count(c_out), { "text-anchor": "middle" }),
    text((x1 + x2 + bar) / 2, height - 12, groups > 1 ? `${groups} groups` : "", { "text-anchor": "middle" }));
}

// Operators as boxes: the longest chain from left to right, the others beside it, no more at one place than the width.
function fragments(side, all) {
  const deepest = Math.max(...all.map((other) => other.depth || 0), 1);
  const columns = side.depth || deepest;
  const stacks = Array.from({ length: columns }, () => 1);
  let rest = Math.max(0, side.fragments - columns);
  const widest = Math.max(side.width || 0, Math.ceil(side.fragments / columns));
  for (let row = 1; row < widest && rest > 0; row++) for (let i = 0; i < columns && rest > 0; i++, rest--) stacks[i]++;
  const tall = Math.max(...all.map((other) => Math.max(other.width || 0, Math.ceil(other.fragments / (other.depth || deepest)))), 1);
  const [stepX, stepY] = [Math.min(26, (PICTURE.width - 10) / deepest), Math.min(20, (PICTURE.height - 26) / tall)];
  const middle = (PICTURE.height - 22) / 2;
  const boxes = stacks.flatMap((stack, i) => Array.from({ length: stack }, (_, row) => element("svg:rect", { class: "box",
    x: 5 + i * stepX, y: middle + (row - stack / 2) * stepY, width: Math.max(1, stepX * 0.7), height: Math.max(1, stepY * 0.7), rx: 2 })));
  return svg(PICTURE.width, PICTURE.height, `${side.fragments} operators, ${columns} on the longest chain`,
    element("svg:line", { class: "wire", x1: 2, x2: 5 + columns * stepX, y1: middle - 0.15 * stepY, y2: middle - 0.15 * stepY }), boxes,
    text(5, PICTURE.height - 8, `${side.fragments} operators, ${columns} deep`));
}

// An operator's passes over memory as areas of a map: what goes to memory and back now, and what still does instead.
function passes(sides) {
  const most = Math.max(...sides.map(([, side]) => side.mac_elements || 0), 1);
  const same = sides.every(([, side]) => side.mac_elements === sides[0][1].mac_elements);
  const { width, height } = PICTURE;
  return element("div", { class: "sides" }, (same ? sides.slice(0, 1) : sides).map(([title, side]) => {
    const [edge, all] = [side.mac_elements, most].map((elements) => Math.sqrt(elements / most) * (height - 34));
    const told = side.mac_elements ? `${count(side.mac_elements)} elements` : "in another's kernel";
    return figure(title, svg(width, height, `${told} read and written`,
      element("svg:rect", { class: "gone", x: 4, y: 4, width: all, height: all }), element("svg:rect", { class: "pass-area", x: 4, y: 4 + all - edge, width: edge, height: edge }),
      text(4, height - 10, told)));
  }));
}

// Passes over memory as bars: what is read and written, in elements.
function accessBars(sides) {
  const most = Math.max(...sides.map(([, side]) => side.mac_elements || 0), 1);
  return element("dl", { class: "access" }, element("div", { class: "note" }, "memory access, in elements"), sides.map(([title, side]) => element("div", {}, element("dt", {}, title),
    element("dd", {}, element("span", { class: "access-bar", style: { width: `${(60 * (side.mac_elements || 0)) / most}%` } }),
      side.mac_elements ? ` ${count(side.mac_elements)}` : " none of its own: in the kernel of another"))));
}
