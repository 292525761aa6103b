// Shows one run, live. It asks the server that it came from, and nobody else.
"use strict";

const $ = (id) => document.getElementById(id);
const SHOWN = [
  ["sent", "sent", "sent"],
  ["refused", "refused", "refused"],
  ["unknown", "unknown", "unknown"],
  ["intent", "in flight", "flight"],
  ["skipped", "skipped", "skipped"],
  ["not_sent", "not sent", "skipped"],
  ["queued", "still queued", "left"],
];
const SURE = {
  pause: "Pause the run? Nothing more leaves, what is in flight is closed, and the rest waits until somebody continues.",
  continue: "Let the run go on?",
  stop: "Stop the process that sends? What is in flight is closed. The rest stays queued for a resume.",
};

// The key comes behind the # of the link; it is kept for a reload, and taken out of the address.
function key() {
  const given = new URLSearchParams(location.hash.slice(1)).get("key");
  if (given) {
    sessionStorage.setItem("key", given);
    history.replaceState(null, "", location.pathname + location.search);
  }
  return sessionStorage.getItem("key") || "";
}

const state = { run: new URLSearchParams(location.search).get("run") || "", points: new Map(), step: 1, look: null, steers: false };

function headers() {
  const mine = key();
  return mine ? { Authorization: "Bearer " + mine } : {};
}

function number(value) {
  return value.toLocaleString("en-US");
}

function rate(value) {
  return (value >= 10 ? number(Math.round(value)) : value.toFixed(1)) + "/s";
}

function span(seconds) {
  if (seconds < 90) return Math.round(seconds) + " s";
  const minutes = Math.round(seconds / 60);
  return minutes < 120 ? minutes + " min" : Math.floor(minutes / 60) + " h " + (minutes % 60) + " min";
}

function put(parent, ...children) {
  parent.replaceChildren(...children);
}

function make(name, words, attributes = {}) {
  const found = document.createElement(name);
  if (words !== undefined) found.textContent = words;
  for (const [attribute, value] of Object.entries(attributes)) found.setAttribute(attribute, value);
  return found;
}

function say(words) {
  if ($("stands").textContent !== words) $("stands").textContent = words;
}

function stands(look) {
  if (!look.run) return "cannot be read";
  if (look.paused) return "paused by " + look.paused.who + " since " + new Date(look.paused.since).toLocaleString() + (look.paused.why ? ": " + look.paused.why : "");
  if (look.is_running) return look.is_read_in ? "running" : "running, the list is still coming in";
  if (look.problem) return "stopped";
  return look.total && look.counts.queued && look.counts.queued + look.counts.skipped === look.total ? "not begun" : "finished";
}

function showProgress(look) {
  const total = look.total || 1;
  const parts = SHOWN.filter(([name]) => look.counts[name]);
  put($("bar"), ...parts.filter(([name]) => name !== "queued").map(([name, , colour]) => {
    const part = make("i");
    part.style.width = (100 * look.counts[name]) / total + "%";
    part.style.background = "var(--" + colour + ")";
    return part;
  }));
  const done = look.total - (look.counts.queued || 0) - (look.counts.intent || 0);
  $("bar").setAttribute("aria-label", Math.floor((100 * done) / total) + " percent of " + number(look.total) + " contacts are done");
  put($("counts"), ...[["total", "contacts", ""], ...SHOWN].filter(([name]) => name === "total" || look.counts[name]).map(([name, words, colour]) => {
    const card = make("div"), title = make("dt");
    if (colour) {
      const dot = make("b", undefined, { "aria-hidden": "true" });
      dot.style.background = "var(--" + colour + ")";
      title.append(dot);
    }
    title.append(words);
    card.append(title, make("dd", number(name === "total" ? look.total : look.counts[name]), { id: "count-" + name }));
    return card;
  }));
  const words = [];
  if (look.is_running) words.push(rate(look.speed));
  if (look.allowed !== null) words.push("the provider allows about " + rate(look.allowed));
  if (look.asked) words.push("asked for at most " + rate(look.asked));
  if (look.seconds_left !== null) {
    const end = new Date(Date.now() + 1000 * look.seconds_left);
    words.push("about " + span(look.seconds_left) + " left, until " + end.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" }));
  }
  $("rate").textContent = words.join(" · ");
  $("problem").hidden = !look.problem;
  $("problem").textContent = look.problem;
}

function showReasons(look) {
  const { details } = look;
  $("as-of").textContent = details.at ? "as of " + new Date(1000 * details.at).toLocaleTimeString() : "being counted";
  $("counted").hidden = look.is_exact;
  put($("reasons"), ...details.reasons.slice(0, 40).map((why) => {
    const row = make("tr");
    row.append(make("td", why.state.replace("_", " ")), make("td", why.words), make("td", number(why.number), { class: "number" }), make("td", why.remedy));
    return row;
  }));
}

function clock(seconds) {
  return new Date(1000 * seconds).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" });
}

function showList(section, list, items) {
  $(section).hidden = !items.length;
  put($(list), ...items.map(([first, second, third]) => {
    const item = make("li");
    item.append(make("b", first), " ", second);
    if (third) item.append(" ", make("small", third));
    return item;
  }));
}

function showLists(look) {
  const { details } = look;
  showList("waiting", "waits", details.waits.map((wait) => wait.opens === null
    ? [number(wait.number), "do not leave: " + wait.words]
    : [number(wait.number), "from " + wait.words, "in " + span(Math.max(0, wait.opens - look.at))]));
  showList("problems", "last", details.problems.map((why) =>
    [clock(why.last), why.state.replace("_", " ") + ": " + why.words + " (" + number(why.number) + " by now)", why.remedy]));
  showList("holding", "holds", look.holds.map((hold) => [clock(hold.at), "for " + span(hold.seconds), hold.why]));
}

function showFacts(look) {
  const facts = [["run", look.run], ["project", look.project], ["spent sending", span(look.elapsed)]];
  if (look.half !== null) facts.push(["answers", "half within " + time(look.half) + ", 95 % within " + time(look.most) + ", 99 % within " + time(look.slowest)]);
  if (look.throttled) facts.push(['told "not now"', number(look.throttled)]);
  if (look.held) facts.push(["nothing could leave for", span(look.held)]);
  const segments = look.details.segments;
  if (segments.sent) facts.push(["segments sent", number(segments.sent)]);
  if (segments.queued) facts.push(["segments still queued", number(segments.queued)]);
  const { money } = look.details;
  if (money) facts.push(["money", dollars(money.spent) + (money.budget === null ? "" : " of " + dollars(money.budget)) + " spent or reserved" +
    (money.left ? ", about " + dollars(money.left) + " for what is queued" : "")]);
  if (look.details.opted_out) facts.push(["left out as opted out", number(look.details.opted_out)]);
  const { receipts } = look, heard = look.details.heard;
  if (receipts) {
    facts.push(["delivered", number(receipts.delivered) + ", not delivered " + number(receipts.undelivered) + " (known at " + clock(receipts.asked) + ")"]);
    if (receipts.why.length) facts.push(["not delivered because", receipts.why.join("; ")]);
    facts.push(["replies", number(receipts.replied) + ", opted out " + number(receipts.opted_out)]);
  } else {
    if (heard["opt-outs"]) facts.push(["opted out since", number(heard["opt-outs"])]);
    if (heard.undelivered) facts.push(["not delivered", number(heard.undelivered)]);
  }
  put($("facts"), ...facts.map(([name, value]) => {
    const fact = make("div");
    fact.append(make("dt", name), make("dd", value));
    return fact;
  }));
}

function dollars(amount) {
  return "$" + amount.toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
}

function time(seconds) {
  return seconds < 1 ? Math.round(1000 * seconds) + " ms" : seconds + " s";
}

function drawn(name, attributes) {
  const found = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [attribute, value] of Object.entries(attributes)) found.setAttribute(attribute, value);
  return found;
}

function showPicture(look) {
  const points = [...state.points.values()].sort((one, other) => one.at - other.at);
  const svg = $("picture");
  if (!points.length) {
    put(svg);
    $("picture-words").textContent = "nothing was sent yet";
    return;
  }
  const first = points[0].at, last = points[points.length - 1].at + state.step;
  const highest = 1.1 * Math.max(1, look.asked && look.asked < 1e6 ? Math.min(look.asked, 2 * Math.max(...points.map((p) => p.sent))) : 0,
    ...points.map((p) => Math.max(p.sent, p.throttled, p.allowed || 0)));
  const x = (at) => (600 * (at - first)) / (last - first), y = (value) => 180 - (178 * Math.min(value, highest)) / highest;
  const line = (name) => {
    let path = "", before = null;
    for (const point of points) {
      const value = point[name];
      if (value === null || value === undefined) { before = null; continue; }
      if (name !== "allowed" && before !== null && point.at > before + state.step) path += "L" + x(before + state.step) + " 180L" + x(point.at) + " 180";
      path += (before === null ? "M" : "L") + x(point.at).toFixed(1) + " " + y(value).toFixed(1) + "L" + x(point.at + state.step).toFixed(1) + " " + y(value).toFixed(1);
      before = point.at;
    }
    return drawn("path", { class: name, d: path || "M0 180" });
  };
  const held = points.filter((point) => point.held > 0).map((point) =>
    drawn("rect", { class: "held", x: x(point.at), width: Math.max(0.5, (600 * Math.min(point.held, state.step)) / (last - first)), y: 0, height: 180 }));
  const asked = look.asked && look.asked <= highest ? [drawn("line", { class: "asked", x1: 0, x2: 600, y1: y(look.asked), y2: y(look.asked) })] : [];
  put(svg, ...held, ...asked, line("throttled"), line("allowed"), line("sent"));
  const most = Math.max(...points.map((p) => p.sent));
  $("picture-words").textContent = "From " + new Date(1000 * first).toLocaleTimeString() + " to " + new Date(1000 * last).toLocaleTimeString() +
    ": at most " + rate(most) + " sent" + (look.allowed !== null ? ", the provider allows about " + rate(look.allowed) : "") + ". The top is " + rate(highest) + ".";
}

function showSteering(look) {
  $("steering").hidden = !state.steers || !look.run;
  const open = (look.counts.queued || 0) + (look.counts.intent || 0) > 0 || look.is_running;
  const may = { pause: open && !look.paused, continue: Boolean(look.paused), stop: look.is_running };
  for (const button of $("steering").querySelectorAll("button")) button.disabled = !may[button.dataset.what];
}

function show({ look, points, step, is_whole: isWhole }) {
  if (isWhole) state.points.clear();
  state.step = step;
  for (const point of points) state.points.set(point.at, point);
  state.look = look;
  document.title = look.name + " - rumbleup watch";
  $("title").textContent = look.name;
  $("main").hidden = false;
  say(stands(look));
  showProgress(look);
  showSteering(look);
  showPicture(look);
  showReasons(look);
  showLists(look);
  showFacts(look);
}

function showRuns(runs) {
  const nav = $("runs");
  nav.hidden = runs.length < 2;
  put(nav, ...runs.map((run) => {
    const link = make("a", run.name + " (" + run.stands + ")", { href: "?run=" + encodeURIComponent(run.id) });
    if (state.look && run.id === state.look.id) link.setAttribute("aria-current", "page");
    return link;
  }));
}

async function ask(what) {
  const dialog = $("sure");
  if (dialog.open) return;
  $("sure-words").textContent = SURE[what];
  dialog.returnValue = "no";
  dialog.showModal();
  // The end of a dialog before may be told only now.
  do await new Promise((resolve) => dialog.addEventListener("close", resolve, { once: true })); while (dialog.open);
  if (dialog.returnValue !== "yes") return;
  $("asked").textContent = "asked to " + what + " …";
  const body = JSON.stringify({ run: state.look.id, what });
  try {
    const answer = await fetch("steer", { method: "POST", headers: { ...headers(), "Content-Type": "application/json" }, body });
    const words = answer.ok ? ((await answer.json()).heeded ? what + ": done" : what + ": asked, and not answered yet") : await answer.text();
    $("asked").textContent = words.trim();
  } catch {
    $("asked").textContent = "the page's server cannot be reached";
  }
}

// Server-sent events, read by fetch: an EventSource can bring no key in a header.
async function listen() {
  const answer = await fetch("events?run=" + encodeURIComponent(state.run), { headers: headers(), cache: "no-store" });
  if (!answer.ok) throw new Error((await answer.text()).trim());
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const messages = (rest + value).split("\n\n");
    rest = messages.pop();
    for (const message of messages) {
      const [first, second] = message.split("\n");
      if (!first.startsWith("event: ")) continue;
      const data = JSON.parse(second.slice("data: ".length));
      if (first === "event: again") { await reader.cancel(); return; }
      if (first === "event: run") show(data);
      if (first === "event: runs") showRuns(data);
    }
  }
}

async function begin() {
  for (const button of $("steering").querySelectorAll("button")) button.addEventListener("click", () => ask(button.dataset.what));
  for (;;) {
    try {
      const answer = await fetch("runs", { headers: headers(), cache: "no-store" });
      if (!answer.ok) throw new Error((await answer.text()).trim());
      const { runs, steers } = await answer.json();
      state.steers = steers;
      showRuns(runs);
      if (!runs.length) say("there is no ledger yet");
      else await listen();
    } catch (error) {
      say(error instanceof TypeError ? "the page's server cannot be reached; trying again" : String(error.message || error));
    }
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}

begin();
