// Asks for the figures once a second and draws them. Text is only ever set as text.
"use strict";

const SVG = "http://www.w3.org/2000/svg";
const EVERY_MS = 1000;
const PATIENCE_MS = 5000;
const SECONDS = 120;
const SMOOTH_S = 10;
const AREA = { left: 56, right: 412, top: 12, bottom: 146 };
const one = (id) => document.getElementById(id);

const PLOTS = {
  traffic: [
    ["first", "all", (at) => at.requests_per_second],
    ["second", "without the app", (at) => at.requests_per_second * at.static_share],
    ["bad", "errors", (at) => at.requests_per_second * at.error_share],
  ],
  time: [
    ["first", "client", (at) => at.client.p95],
    ["second", "app", (at) => at.app.p95],
  ],
  held: [["point", "workers", (_, index, all) => {
    // A request counts in the second in which it ends.
    const around = all.slice(Math.max(0, index - SMOOTH_S + 1), index + 1);
    return around.reduce((sum, at) => sum + at.slow_client_workers, 0) / around.length;
  }]],
};
const UNITS = { traffic: (value) => number(value, 2), time: duration, held: (value) => number(value, 2) };

function number(value, digits = 1) {
  if (value === null || value === undefined) return "none";
  return value.toLocaleString("en", { maximumFractionDigits: value >= 100 ? 0 : digits });
}

function duration(seconds) {
  if (seconds === null) return "none";
  if (seconds === 0) return "0";
  if (seconds < 1) return `${number(seconds * 1000, 0)}\u00a0ms`;
  if (seconds < 120) return `${number(seconds)}\u00a0s`;
  if (seconds < 7200) return `${number(seconds / 60, 0)}\u00a0min`;
  return seconds < 172800 ? `${number(seconds / 3600, 0)}\u00a0h` : `${number(seconds / 86400, 0)}\u00a0d`;
}

function latency(times) {
  if (times.p50 === null) return "none";
  return [times.p50, times.p95, times.p99].map(duration).join(", ");
}

function element(name, attributes, text) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

// The next of 1, 2, 5, 10, 20 ... above the largest value.
function ceiling(largest) {
  if (!(largest > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(largest));
  return [1, 2, 5, 10].map((factor) => factor * power).find((top) => top >= largest) ?? largest;
}

function draw(name, recent) {
  const figure = document.querySelector(`[data-plot=${name}]`);
  const lines = PLOTS[name].map(([kind, label, take]) => ({ kind, label, values: recent.map(take) }));
  const top = ceiling(Math.max(0, ...lines.flatMap((line) => line.values.map((value) => value ?? 0))));
  const x = (index) => AREA.right - ((recent.length - 1 - index) / (SECONDS - 1)) * (AREA.right - AREA.left);
  const y = (value) => AREA.bottom - (value / top) * (AREA.bottom - AREA.top);
  const svg = figure.querySelector("svg");
  const drawn = [];
  for (const share of [0, 0.5, 1]) {
    const at = y(top * share);
    drawn.push(element("path", { class: "grid", d: `M${AREA.left} ${at}H${AREA.right}` }));
    drawn.push(element("text", { x: AREA.left - 6, y: at + 4, "text-anchor": "end" }, UNITS[name](top * share)));
  }
  drawn.push(element("text", { x: AREA.left, y: 168 }, "2 minutes ago"));
  drawn.push(element("text", { x: AREA.right, y: 168, "text-anchor": "end" }, "now"));
  for (const line of lines) {
    let isDown = false;
    const steps = line.values.map((value, index) => {
      if (value === null) { isDown = false; return ""; }
      const step = `${isDown ? "L" : "M"}${x(index).toFixed(1)} ${y(value).toFixed(1)}`;
      // A value between two seconds without any is a point.
      const isAlone = !isDown && (line.values[index + 1] ?? null) === null;
      isDown = true;
      return isAlone ? `${step}h1` : step;
    });
    drawn.push(element("path", { class: line.kind, d: steps.join("") || "M0 0" }));
  }
  svg.replaceChildren(...drawn);
  const latest = lines.map((line) => `${line.label} ${UNITS[name](line.values.at(-1) ?? null)}`);
  svg.setAttribute("aria-label", `${figure.querySelector("figcaption").textContent}: ${latest.join(", ")}`);
  figure.querySelector("ul").replaceChildren(...lines.map((line, index) => {
    const entry = document.createElement("li");
    const key = element("svg", { viewBox: "0 0 32 10", "aria-hidden": "true" });
    key.append(element("path", { class: line.kind, d: "M0 5H32" }));
    entry.append(key, latest[index]);
    return entry;
  }));
}

function rows(body, cells, empty) {
  const filled = cells.length ? cells : [[empty]];
  body.replaceChildren(...filled.map((values) => {
    const row = document.createElement("tr");
    for (const value of values) {
      const cell = document.createElement("td");
      cell.textContent = value;
      if (typeof value === "string" && value.startsWith("/")) cell.className = "path";
      row.append(cell);
    }
    if (values.length === 1) row.firstChild.colSpan = 8;
    return row;
  }));
}

function show(figures) {
  const names = Object.keys(figures.sites);
  const choice = one("site");
  if (choice.options.length !== names.length + 1) {
    choice.replaceChildren(new Option("all", ""), ...names.map((name) => new Option(name, name)));
    one("choice").hidden = names.length === 0;
  }
  const site = choice.value;
  const traffic = site ? figures.sites[site] : figures.traffic;
  const processes = figures.processes.filter((each) => !site || !each.site || each.site === site);
  const workers = processes.filter((each) => each.requests !== null);
  const rates = traffic.last_minute;
  const texts = {
    requests: number(rates.requests_per_second),
    errors: `${number(rates.error_share * 100, 2)} %`,
    static: `${number(rates.static_share * 100, 0)} %`,
    app: latency(rates.app),
    client: latency(rates.client),
    held: number(rates.slow_client_workers, 2),
    busy: `${workers.filter((each) => each.in_flight > 0).length} of ${workers.length}`,
    flight: number(workers.reduce((sum, each) => sum + each.in_flight, 0), 0),
    connections: figures.connections ? number(figures.connections.active, 0) : "not known",
  };
  for (const [name, text] of Object.entries(texts)) {
    document.querySelector(`[data-show=${name}]`).textContent = text;
  }
  one("since").textContent = `up for ${duration(figures.uptime_s)}, ${number(traffic.requests, 0)} requests`;
  for (const name of Object.keys(PLOTS)) draw(name, traffic.recent);
  const doing = workers.flatMap((worker) => worker.doing.map((each) => [each, worker]));
  doing.sort((a, b) => b[0].seconds - a[0].seconds);
  rows(one("doing"), doing.slice(0, 20).map(([each, worker]) => [
    number(each.seconds) + (each.is_stream ? " (stream)" : ""), each.method, each.path, each.id.slice(0, 8), worker.pid,
  ]), "none");
  rows(one("family"), processes.map((each) => [
    each.title + (each.site ? ` (${each.site})` : "") + (each.generation ? ` ${each.generation}` : ""),
    each.role, each.pid, each.state, `${number(each.memory_bytes / 2 ** 20)} MB`,
    duration(each.cpu_s), duration(each.age_s), each.requests ?? "",
  ]), "none");
}

function say(text, isBad) {
  const state = one("state");
  if (state.textContent !== text) state.textContent = text;
  state.classList.toggle("bad", isBad);
}

let latest = null;
let isPaused = false;

async function ask() {
  if (!isPaused) {
    try {
      const answer = await fetch("status.json", { signal: AbortSignal.timeout(PATIENCE_MS) });
      if (!answer.ok) throw new Error(answer.statusText);
      latest = await answer.json();
      if (!isPaused) {
        show(latest);
        say("Live", false);
      }
    } catch {
      say("Outrider does not answer", true);
    }
  }
  setTimeout(ask, EVERY_MS);
}

one("pause").addEventListener("click", () => {
  isPaused = !isPaused;
  one("pause").setAttribute("aria-pressed", String(isPaused));
  say(isPaused ? "Paused" : "Live", false);
});
one("site").addEventListener("change", () => latest && show(latest));
ask();
