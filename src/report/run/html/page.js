"use strict";
// Adds to the page what takes a script: the list of all tests, a view of each, the facets of the matrix. Texts of tests
// become text nodes only. Filters and the test that is shown are in the address, so that they can be sent to somebody.

const PAGE_OF_ROWS = 100;
const FILTERS = ["search", "verdict", "hardware", "model", "batch", "task", "change"];
const GLYPHS = { f: "✗", u: "?", y: "~", p: "✓", s: "–" };

const byId = (id) => document.getElementById(id);

function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key in made) made[key] = value;
    else made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

async function decoded() {
  const bytes = Uint8Array.from(atob(byId("data").textContent), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return JSON.parse(await new Response(stream).text());
}

// --- The tests.

class Tests {
  constructor({ texts, verdicts, changes, has_past, columns, attempts }) {
    Object.assign(this, { texts, verdicts, changes, columns, attempts });
    this.hasPast = has_past;
    this.count = columns.file.length;
  }

  text(column, test) {
    const number = this.columns[column][test];
    return number < 0 ? "" : this.texts[number];
  }

  verdict(test) { return this.verdicts[this.columns.verdict[test]]; }

  name(test) { return this.text("file", test) + this.text("name", test); }

  batch(test) {
    const batch = this.columns.batch[test];
    return batch < 0 ? "" : String(batch);
  }

  change(test) {
    const change = this.columns.change[test];
    return change < 0 ? "" : this.changes[change];
  }

  // What a test has in each filter but the search.
  value(filter, test) {
    switch (filter) {
      case "verdict": return this.verdict(test)[0];
      case "model": return this.text("subject", test);
      case "batch": return this.batch(test);
      case "change": return this.change(test);
      default: return this.text(filter, test);
    }
  }

  values(filter) {
    const values = new Set();
    for (let test = 0; test < this.count; test += 1) values.add(this.value(filter, test));
    values.delete("");
    return [...values].sort((left, right) => left.localeCompare(right, "en", { numeric: true }));
  }

  // Those that fit, failures before what is not known, flaky and the rest.
  matching(wanted) {
    const search = (wanted.search || "").toLowerCase();
    const filters = FILTERS.filter((filter) => filter !== "search" && wanted[filter]);
    const matching = [];
    for (let test = 0; test < this.count; test += 1) {
      if (!filters.every((filter) => this.value(filter, test) === wanted[filter])) continue;
      if (search && !`${this.name(test)} ${this.text("reason", test)}`.toLowerCase().includes(search)) continue;
      matching.push(test);
    }
    const rank = (test) => "fuyps".indexOf(this.verdict(test)[1]);
    return matching.sort((left, right) => rank(left) - rank(right) || left - right);
  }
}

// --- The list of all tests.

class List {
  constructor(tests) {
    this.tests = tests;
    this.place = byId("list");
    this.wanted = {};
    this.inputs = {};
    this.place.hidden = false;
    this.build();
  }

  build() {
    const filters = element("form", { className: "filters", onsubmit: (event) => event.preventDefault() });
    filters.setAttribute("role", "search");
    const search = element("input", { type: "search", placeholder: "name or message", oninput: () => this.changed("search", search.value) });
    this.inputs.search = search;
    filters.append(element("label", {}, "Search", search));
    for (const filter of FILTERS.slice(1)) {
      const values = this.tests.values(filter);
      if (values.length === 0 || (values.length === 1 && filter !== "verdict")) continue;
      const select = element("select", { onchange: () => this.changed(filter, select.value) });
      select.append(element("option", { value: "" }, "all"), ...values.map((value) => element("option", { value }, value.replace("_", " "))));
      this.inputs[filter] = select;
      filters.append(element("label", {}, filter[0].toUpperCase() + filter.slice(1), select));
    }
    filters.append(element("button", { type: "button", className: "plain", onclick: () => this.show({}) }, "Clear"));
    this.status = element("p", { className: "status" });
    this.status.setAttribute("role", "status");
    this.body = element("tbody");
    const headings = ["test", "outcome", "on"].map((name) => element("th", { scope: "col" }, name));
    headings.push(element("th", { scope: "col", className: "wide" }, "time"));
    const past = this.tests.hasPast ? [element("th", { scope: "col", className: "wide" }, "last outcomes")] : [];
    const table = element("table", { className: "tests" }, element("thead", {}, element("tr", {}, ...headings, ...past)), this.body);
    const scroll = element("div", { className: "scroll", tabIndex: 0 }, table);
    scroll.setAttribute("role", "region");
    scroll.setAttribute("aria-label", "Table of tests");
    this.more = element("button", { type: "button", className: "plain", onclick: () => this.addRows() });
    this.place.append(filters, this.status, scroll, this.more);
  }

  changed(filter, value) {
    this.wanted = { ...this.wanted, [filter]: value };
    this.remember();
    this.render();
  }

  // Shows what fits, and puts the filters into the address.
  show(wanted) {
    this.wanted = { ...wanted };
    this.remember();
    this.render();
  }

  remember() {
    const used = FILTERS.filter((filter) => this.wanted[filter]).map((filter) => [filter, this.wanted[filter]]);
    const address = used.length > 0 ? `#tests?${new URLSearchParams(used)}` : "#tests";
    if (location.hash !== address) history.replaceState(null, "", address);
  }

  render() {
    for (const [filter, input] of Object.entries(this.inputs)) input.value = this.wanted[filter] || "";
    this.matching = this.tests.matching(this.wanted);
    this.rows = 0;
    this.body.replaceChildren();
    this.status.textContent = `${this.matching.length} of ${this.tests.count} tests`;
    this.addRows();
  }

  addRows() {
    const next = this.matching.slice(this.rows, this.rows + PAGE_OF_ROWS);
    this.body.append(...next.map((test) => row(this.tests, test)));
    this.rows += next.length;
    const rest = this.matching.length - this.rows;
    this.more.hidden = rest === 0;
    this.more.textContent = `Show ${Math.min(PAGE_OF_ROWS, rest)} more of ${rest}`;
  }
}

function row(tests, test) {
  const device = tests.text("device", test) || tests.text("hardware", test);
  const cells = [
    element("th", { scope: "row" }, element("a", { className: "test", href: `#test=${test}` }, tests.name(test)), message(tests, test)),
    element("td", {}, badge(tests, test)),
    element("td", { className: "where" }, device),
    element("td", { className: "where wide" }, time(tests.columns.milliseconds[test])),
  ];
  if (tests.hasPast) cells.push(element("td", { className: "wide" }, strip(tests, test)));
  return element("tr", {}, ...cells);
}

function message(tests, test) {
  const bad = "fu".includes(tests.verdict(test)[1]);
  const reason = tests.text("reason", test);
  return bad && reason ? element("div", { className: "message" }, reason.split("\n")[0].slice(0, 300)) : null;
}

function badge(tests, test) {
  const [name, kind] = tests.verdict(test);
  return badgeOf(name, kind);
}

function badgeOf(name, kind) {
  return element("span", { className: `badge ${kind}` }, `${GLYPHS[kind]} ${name.replace("_", " ")}`);
}

function strip(tests, test) {
  const letters = [...tests.text("past", test)];
  const verdicts = letters.map((letter) => tests.verdicts[letter.charCodeAt(0) - 97]);
  const made = element("span", { className: "strip" }, ...verdicts.map(([, kind]) => element("i", { className: kind }, GLYPHS[kind])));
  made.setAttribute("role", "img");
  made.setAttribute("aria-label", `last outcomes: ${verdicts.map(([name]) => name).join(", ")}`);
  return made;
}

function time(milliseconds) {
  const seconds = milliseconds / 1000;
  if (seconds < 10) return `${seconds.toFixed(2)} s`;
  return seconds < 120 ? `${seconds.toFixed(1)} s` : `${Math.round(seconds / 60)} min`;
}

// --- One test.

function quoted(word) {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

function view(tests, test) {
  const { columns } = tests;
  const fact = (name, value) => (value ? element("div", {}, element("dt", {}, name), element("dd", {}, value)) : null);
  const memory = (column) => (columns[column][test] > 0 ? `${columns[column][test]} MB` : "");
  const line = columns.line[test];
  const command = (name, words) => element("div", {}, element("dt", {}, name), element("dd", {}, element("code", {}, words)));
  const commands = element("dl", { className: "commands" }, command("reproduce", `python -m pytest ${quoted(tests.name(test))}`));
  if (line > 0) commands.append(command("template", `cargo tgen explain ${quoted(`${tests.text("file", test)}:${line}`)}`));
  const text = (title, words) => (words ? [element("h3", {}, title), element("pre", { tabIndex: 0 }, words)] : []);
  return [
    element("button", { type: "button", className: "plain close", onclick: () => byId("test").close() }, "Close"),
    element("h2", { id: "test-title", className: "test" }, tests.name(test)),
    element("p", {}, badge(tests, test), tests.change(test) ? ` ${tests.change(test)}` : ""),
    element("dl", { className: "facts" },
      fact("on", tests.text("device", test) || tests.text("hardware", test)),
      fact("model", tests.text("model", test)), fact("task", tests.text("task", test)), fact("batch", tests.batch(test)),
      fact("implementation", tests.text("implementation", test)), fact("time", time(columns.milliseconds[test])),
      fact("memory", memory("megabytes")), fact("device memory", memory("device_megabytes"))),
    commands,
    ...text("Message", tests.text("reason", test)),
    ...attempts(tests, test),
    ...text("End of the log", tests.text("log", test)),
    ...(tests.hasPast ? [element("h3", {}, "Last outcomes"), strip(tests, test)] : []),
  ];
}

function attempts(tests, test) {
  const each = tests.attempts[test];
  if (!each) return [];
  const items = each.map(([verdict, milliseconds, reason]) => {
    const [name, kind] = tests.verdicts[verdict];
    return element("li", {}, badgeOf(name, kind), ` ${time(milliseconds)} `, element("span", { className: "message" }, tests.texts[reason]));
  });
  return [element("h3", {}, "Attempts"), element("ol", {}, ...items)];
}

// --- The matrix.

class Matrix {
  constructor(tests, list) {
    this.tests = tests;
    this.list = list;
    this.cells = new Map();
    this.wanted = {};
    for (const table of document.querySelectorAll("table.matrix")) this.prepare(table);
    this.addFacets();
  }

  prepare(table) {
    const hardware = [...table.tHead.rows[0].cells].slice(1).map((cell) => cell.textContent);
    for (const row of table.tBodies[0].rows) {
      const [heading, ...cells] = row.cells;
      const model = heading.textContent;
      const button = element("button", { type: "button", onclick: () => this.open(model, "") }, model);
      heading.replaceChildren(button);
      cells.forEach((cell, at) => {
        this.cells.set(`${hardware[at]} ${model}`, cell);
        cell.onclick = () => cell.textContent && this.open(model, hardware[at]);
      });
    }
  }

  open(model, hardware) {
    this.list.show({ ...this.wanted, model, hardware });
    byId("tests").scrollIntoView();
    this.list.inputs.search.focus({ preventScroll: true });
  }

  addFacets() {
    const place = document.querySelector(".facets");
    for (const filter of ["batch", "task"]) {
      const values = this.tests.values(filter);
      if (values.length < 2 || !place) continue;
      const select = element("select", { onchange: () => this.narrow(filter, select.value) });
      select.append(element("option", { value: "" }, "all"), ...values.map((value) => element("option", { value }, value)));
      place.append(element("label", {}, `Only ${filter}`, select));
      place.hidden = false;
    }
  }

  narrow(filter, value) {
    this.wanted = { ...this.wanted, [filter]: value };
    const counts = new Map();
    for (let test = 0; test < this.tests.count; test += 1) {
      if (!["batch", "task"].every((one) => !this.wanted[one] || this.tests.value(one, test) === this.wanted[one])) continue;
      const key = `${this.tests.text("hardware", test)} ${this.tests.text("subject", test)}`;
      const count = counts.get(key) || { f: 0, u: 0, y: 0, p: 0, s: 0 };
      count[this.tests.verdict(test)[1]] += 1;
      counts.set(key, count);
    }
    for (const [key, cell] of this.cells) fill(cell, counts.get(key));
  }
}

function fill(cell, count) {
  const kind = count && [..."fuyps"].find((one) => count[one] > 0);
  const all = count && Object.values(count).reduce((sum, one) => sum + one, 0);
  cell.className = kind || "";
  cell.textContent = kind ? `${GLYPHS[kind]} ${count[kind] === all ? all : `${count[kind]}/${all}`}` : "";
}

// --- The page.

function addTileButtons(list) {
  for (const tile of document.querySelectorAll(".tiles [data-verdict]")) {
    const button = element("button", { type: "button", onclick: () => {
      list.show({ verdict: tile.dataset.verdict });
      byId("tests").scrollIntoView();
    } });
    button.append(...tile.childNodes);
    tile.append(button);
  }
}

function followAddress(tests, list) {
  const dialog = byId("test");
  const test = Number((/^#test=(\d+)$/.exec(location.hash) || [])[1]);
  if (Number.isInteger(test) && test < tests.count) {
    dialog.replaceChildren(...view(tests, test));
    if (!dialog.open) dialog.showModal();
    dialog.scrollTop = 0;
    return;
  }
  if (dialog.open) dialog.close();
  const filters = /^#tests\?(.*)$/.exec(location.hash);
  if (filters) list.show(Object.fromEntries(new URLSearchParams(filters[1])));
}

async function start() {
  const tests = new Tests(await decoded());
  const list = new List(tests);
  list.render();
  new Matrix(tests, list);
  addTileButtons(list);
  byId("test").addEventListener("close", () => {
    if (location.hash.startsWith("#test=")) history.replaceState(null, "", "#");
  });
  // What is closed would not be printed.
  window.addEventListener("beforeprint", () => {
    for (const details of document.querySelectorAll("details")) details.open = true;
  });
  window.addEventListener("hashchange", () => followAddress(tests, list));
  followAddress(tests, list);
  document.documentElement.dataset.ready = "";
}

start().catch((error) => {
  const list = byId("list");
  list.hidden = false;
  list.textContent = `The list of all tests needs a newer browser: ${error}`;
});
