// Tables that sort by a click on a heading, and bars in their cells.
"use strict";

// `columns` are {title, cell: row => text or element, key: row => what to sort by, number: whether to align right}.
// `heading(row)` makes the attributes of a row. The rows stand in the order given until a heading is clicked.
function sortable(label, columns, rows, attributes = () => ({})) {
  const body = element("tbody");
  const heads = columns.map((column) => element("th", { scope: "col", class: column.number ? "number" : null },
    column.key ? element("button", { type: "button", onclick: () => sort(column) }, column.title) : column.title));
  let by = null, down = false;

  function fill(shown) {
    body.replaceChildren(...shown.map((row) => element("tr", attributes(row), columns.map((column, place) =>
      element(place === 0 && column.heading ? "th" : "td",
        { class: column.number ? "number" : column.heading ? "name" : null, scope: place === 0 && column.heading ? "row" : null },
        column.cell(row))))));
  }

  function sort(column) {
    down = by === column && !down;
    by = column;
    columns.forEach((other, place) => {
      if (other === column) heads[place].setAttribute("aria-sort", down ? "descending" : "ascending");
      else heads[place].removeAttribute("aria-sort");
    });
    const known = (found) => found !== null && found !== undefined && found !== "";
    fill([...rows].sort((one, other) => {
      const [a, b] = [column.key(one), column.key(other)];
      if (!known(a) || !known(b)) return known(b) - known(a);  // what is not known last, whichever way
      return (down ? -1 : 1) * (typeof a === "number" ? a - b : String(a).localeCompare(String(b)));
    }));
  }

  fill(rows);
  return element("div", { class: rows.length > 30 ? "scroll tall" : "scroll", tabindex: "0", role: "region", "aria-label": label },
    element("table", { "aria-label": label }, element("thead", {}, element("tr", {}, heads)), body));
}

// The first few in a list, or in another element, and a button that shows the rest.
function first(number, items, word, list = element("ul", { class: "plainly" })) {
  list.append(...items.slice(0, number));
  if (items.length <= number) return list;
  const more = element("button", { type: "button", class: "no-print", onclick: () => {
    list.append(...items.slice(number));
    more.remove();
  } }, `Show ${items.length - number} more ${word}`);
  return [list, more];
}
