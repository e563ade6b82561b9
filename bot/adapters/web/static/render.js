// Draws messages. Everything that comes from outside becomes a text node: nothing in it can act.

export function el(name, properties = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (key === "class") node.className = value;
    else if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return node;
}

const SIGNS = {
  succeeded: ["✓", "succeeded"], failed: ["✕", "failed"], timeout: ["⏱", "timed out"],
  abandoned: ["⚠", "abandoned"], canceled: ["⊘", "cancelled"], canceling: ["◌", "cancelling"],
  paused: ["Ⅱ", "paused"], pausing: ["◌", "pausing"], pending: ["?", "waits for an answer"], running: ["◌", "running"],
  answered: ["✓", "answered"], approved: ["✓", "approved"], rejected: ["✕", "rejected"], expired: ["⏱", "expired"],
};
export const FINISHED = new Set(["succeeded", "failed", "timeout", "abandoned", "canceled", "answered", "approved", "rejected", "expired"]);
const GOOD = new Set(["succeeded", "answered", "approved"]);

export function toneOf(status) {
  if (GOOD.has(status)) return "good";
  if (status === "canceled" || status === "pending" || status === "paused") return "warning";
  return FINISHED.has(status) ? "bad" : "running";
}

export function badge(status) {
  const [sign, word] = SIGNS[status] || ["◌", status];
  return el("span", { class: "badge", "data-tone": toneOf(status) },
    el("span", { class: "sign", "aria-hidden": "true" }, sign), word);
}

export function duration(seconds) {
  if (seconds < 1) return `${seconds.toFixed(2)} s`;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 60) return `${Math.round(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${Math.round(seconds % 60)} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

export function clock(iso, { seconds = false } = {}) {
  const at = new Date(iso);
  const today = new Date().toDateString() === at.toDateString();
  const time = at.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: seconds ? "2-digit" : undefined });
  const label = today ? time : `${at.toLocaleDateString([], { day: "numeric", month: "short" })} ${time}`;
  return el("time", { datetime: iso, title: at.toLocaleString() }, label);
}

const LINK = /\bhttps?:\/\/[^\s<>"'`)\]}]+/g;

// Words with their addresses made clickable; an address shows itself, whole.
export function prose(text) {
  const parts = [];
  let from = 0;
  for (const match of text.matchAll(LINK)) {
    const url = match[0].replace(/[.,;:!?]+$/, "");
    parts.push(text.slice(from, match.index));
    parts.push(el("a", { href: url, rel: "noopener noreferrer", target: "_blank" }, url));
    from = match.index + url.length;
  }
  parts.push(text.slice(from));
  return el("p", { class: "prose" }, ...parts);
}

function code(text, title) {
  const copy = el("button", { type: "button", class: "copy", "aria-label": "Copy" }, "Copy");
  copy.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text);
      copy.textContent = "Copied";
    } catch {
      copy.textContent = "Not allowed";
    }
    setTimeout(() => { copy.textContent = "Copy"; }, 1500);
  });
  return el("figure", { class: "code" }, title ? el("figcaption", {}, title) : null,
    el("pre", { tabindex: "0" }, text), copy);
}

function table(piece) {
  const head = el("thead", {}, el("tr", {}, ...piece.columns.map((name) => el("th", { scope: "col" }, name))));
  const body = el("tbody", {}, ...piece.rows.map((row) => el("tr", {}, ...row.map((cell) => el("td", {}, cell)))));
  return el("div", { class: "scroll", tabindex: "0" }, el("table", {}, head, body));
}

function fields(piece) {
  const list = el("dl", { class: "fields" }, ...piece.rows.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));
  return piece.title ? el("div", { class: "titled" }, el("h4", {}, piece.title), list) : list;
}

// The tasks of a workflow: one line each, with the way to what each printed.
function tree(piece) {
  const line = (one) => {
    if (!one.status) return el("li", { class: "left-out", "data-depth": one.depth }, one.note);
    const [sign, word] = SIGNS[one.status] || ["◌", one.status];
    const time = one.since
      ? el("span", { class: "elapsed", "data-since": one.since }, "")
      : el("span", { class: "elapsed" }, one.elapsed_s === null || one.elapsed_s === undefined ? "" : duration(one.elapsed_s));
    const name = one.execution_id
      ? el("a", { class: "task", href: `#execution/${one.execution_id}`, title: `Details and output of ${one.name}` }, one.name)
      : el("span", { class: "task" }, one.name);
    return el("li", { "data-depth": one.depth, "data-tone": toneOf(one.status), "data-status": one.status },
      el("span", { class: "sign", "aria-hidden": "true" }, sign), name,
      el("span", { class: "state-word" }, word), one.note ? el("span", { class: "note" }, one.note) : null, time);
  };
  const list = el("ol", { class: "tree" }, ...piece.branches.map(line));
  if (piece.is_folded) return el("details", { class: "long" }, el("summary", {}, piece.title), list);
  return el("div", { class: "titled" }, piece.title ? el("h4", {}, piece.title) : null, list);
}

export function piece(one) {
  if (one.kind === "tree") return tree(one);
  if (one.kind === "code") return code(one.text, one.title);
  if (one.kind === "fields") return fields(one);
  if (one.kind === "table") return table(one);
  if (one.kind === "file") {
    const lines = one.text.split("\n").length;
    return el("details", { class: "long" }, el("summary", {}, `${one.name} · ${lines.toLocaleString()} lines`), code(one.text));
  }
  return prose(one.text || "");
}

// The answer of the bot, below the message it belongs to.
export function answer(message, { press, prompts, me }) {
  const body = message.body;
  const running = body.status && !FINISHED.has(body.status);
  const head = [];
  if (body.status) head.push(badge(body.status));
  if (body.action) head.push(el("span", { class: "action" }, body.action));
  if (body.title) head.push(el("strong", { class: "answer-title" }, body.title));
  if (running) {
    head.push(el("span", { class: "elapsed", "data-since": message.at }, ""));
  } else if (body.elapsed_s !== undefined) {
    head.push(el("span", { class: "elapsed" }, duration(body.elapsed_s)));
  }
  if (body.execution_id) {
    const short = body.execution_id.slice(-6);
    head.push(el("a", { class: "id", href: `#execution/${body.execution_id}`, title: "Details of this execution" }, short));
  }
  if (body.mention) head.push(el("span", { class: "mention" }, `@${body.mention}`));
  // The way to an execution's details is its id; other links are for the notices of the engine.
  const links = body.execution_id ? [] : (body.links || []).filter((one) => /^https?:\/\//i.test(one.url)).map((one) =>
    el("a", { href: one.url, rel: "noopener noreferrer", target: "_blank", title: one.url }, one.label));
  const buttons = (body.buttons || []).map((one) =>
    el("button", { type: "button", class: `button small ${one.style || ""}`, onclick: () => press(one, message) }, one.label));
  const isPrivate = me && message.channel === me.direct && body.reply_to;
  return el("section", { class: "answer", "data-id": message.id, "data-tone": body.tone || "neutral", "data-status": body.status || "" },
    isPrivate ? el("p", { class: "private" }, "Only you see this.") : null,
    head.length ? el("header", { class: "answer-head" }, ...head) : null,
    body.pretext ? prose(body.pretext) : null,
    ...(body.pieces || []).map(piece),
    links.length ? el("p", { class: "links" }, ...links) : null,
    body.prompt && prompts ? prompts.draw(body.prompt, message) : null,
    buttons.length ? el("div", { class: "buttons" }, ...buttons) : null);
}

function avatar(name, isBot) {
  if (isBot) return el("img", { class: "avatar", src: "/chat/static/crow.svg", alt: "", width: "36", height: "36" });
  let sum = 0;
  for (const letter of name) sum = (sum * 31 + letter.codePointAt(0)) % 6;
  return el("span", { class: "avatar", "data-hue": String(sum), "aria-hidden": "true" }, name.slice(0, 2).toUpperCase());
}

const STATES = { sending: "sending…", queued: "waiting for the server…", sent: "" };

// A message of a person, with the answers to it and the way into its thread.
export function message(one, { answers = [], others = 0, state = "", openThread, press, prefix, prompts, me }) {
  const isBot = one.is_bot;
  const name = isBot ? one.author : one.body.name || one.author;
  const unverified = !isBot && one.author.startsWith("~");
  const text = one.body.text || "";
  const head = el("header", { class: "message-head" }, el("b", { class: "author" }, name),
    unverified ? el("span", { class: "unverified", title: "This name was picked, not proven by a login" }, "unverified") : null,
    clock(one.at), state && STATES[state] ? el("span", { class: "state", role: "status" }, STATES[state]) : null);
  const isCommand = text.startsWith(prefix) || answers.length > 0;
  const content = isBot ? answer(one, { press, prompts, me }) : el("div", { class: isCommand ? "said command" : "said" }, prose(text));
  const thread = openThread
    ? el("button", { type: "button", class: `thread quiet ${others ? "busy" : ""}`, onclick: () => openThread(one.id) },
      others ? `${others} ${others === 1 ? "reply" : "replies"}` : "Reply")
    : null;
  return el("article", { class: `message ${state}`, "data-id": one.id },
    avatar(name, isBot),
    el("div", { class: "content" }, head, content, ...answers.map((each) => answer(each, { press, prompts, me })), thread));
}
