// The page: channels, messages, threads, the composer, and what the keyboard does.

import { call, Outbox, Refused, Stream } from "./api.js";
import { Completer } from "./complete.js";
import { Detail } from "./detail.js";
import { Prompts } from "./prompts.js";
import { duration, el, FINISHED, message as draw } from "./render.js";

const $ = (id) => document.getElementById(id);
const isMac = /Mac|iPhone|iPad/.test(navigator.platform);

const state = {
  me: null, channel: "", channels: [], unread: new Map(),
  messages: new Map(), loaded: new Map(), thread: null, stream: null, isSignedIn: false,
};
const stored = (key, fallback) => { try { return JSON.parse(localStorage.getItem(`stormcrow.${key}`)) ?? fallback; } catch { return fallback; } };
const store = (key, value) => localStorage.setItem(`stormcrow.${key}`, JSON.stringify(value));

const isDirect = () => state.me && state.channel === state.me.direct;
const titleOf = (channel) => (state.me && channel === state.me.direct ? "Stormcrow" : `#${channel}`);

// theme

function showTheme(theme) {
  if (theme === "auto") document.documentElement.removeAttribute("data-theme");
  else document.documentElement.dataset.theme = theme;
  $("theme").textContent = isDark() ? "☀" : "☾";
}
function isDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => showTheme(stored("theme", "auto")));
$("theme").addEventListener("click", () => { const next = isDark() ? "light" : "dark"; store("theme", next); showTheme(next); });

// channels

function showChannels() {
  const item = (name) => {
    const count = state.unread.get(name) || 0;
    return el("li", {}, el("a", { href: name.startsWith("@") ? "#direct" : `#channel/${name}`, "aria-current": name === state.channel ? "page" : null, class: count ? "unread" : "" },
      el("span", { class: "channel-name" }, titleOf(name)), count ? el("span", { class: "count", "aria-label": `${count} unread` }, String(count)) : null));
  };
  $("channels").replaceChildren(...state.channels.map(item));
  $("direct").replaceChildren(item(state.me.direct));
  const total = Array.from(state.unread.values()).reduce((sum, one) => sum + one, 0);
  document.title = `${total ? `(${total}) ` : ""}${titleOf(state.channel)} · Stormcrow`;
}

async function loadChannels() {
  const found = await call("channels");
  const seen = stored("seen", {});
  state.channels = found.channels.map((one) => one.name).filter((name) => !name.startsWith("@"));
  for (const one of found.channels) {
    if (seen[one.name] !== undefined && one.newest_seq > seen[one.name]) state.unread.set(one.name, state.unread.get(one.name) || 1);
  }
}

async function openChannel(name) {
  if (state.channel !== name) closePanel();
  state.channel = name;
  store("channel", name);
  state.unread.delete(name);
  $("title").textContent = titleOf(name);
  $("input").placeholder = isDirect() ? "Say a command: help" : `Message ${titleOf(name)}, or ${state.me.prefix}help`;
  showChannels();
  closeMenu();
  if (!state.loaded.has(name)) await loadHistory(name);
  if (state.channel === name) { showMessages(); toEnd(); }
}

async function loadHistory(name, before) {
  const query = before ? `?before=${before}` : "";
  const found = await call(`channels/${encodeURIComponent(name)}/messages${query}`);
  for (const one of found.messages) keep(one);
  const starts = found.messages.filter((one) => !one.thread);
  state.loaded.set(name, { more: found.more, oldest: starts.length ? starts[0].seq : null });
  return found.cursor;
}

async function createChannel(wanted) {
  const name = wanted.trim().replace(/^#/, "");
  const made = await call("channels", { method: "POST", body: { name } });
  if (!state.channels.includes(made.name)) state.channels = [...state.channels, made.name].sort();
  location.hash = `#channel/${made.name}`;
}

// messages

function keep(one) {
  const before = state.messages.get(one.id);
  if (before && before.edited_at && !one.edited_at) return;
  state.messages.set(one.id, one);
}

const inChannel = () => Array.from(state.messages.values()).filter((one) => one.channel === state.channel).sort((a, b) => a.seq - b.seq);
const threadOf = (id) => Array.from(state.messages.values()).filter((one) => one.thread === id).sort((a, b) => a.seq - b.seq);

const drawing = () => ({ press, prompts, me: state.me, prefix: state.me.prefix });
// What only this person may read stands in the direct channel, and here too.
const privateAnswers = (one) => Array.from(state.messages.values()).filter((each) => each.is_bot && each.channel === state.me.direct && each.channel !== one.channel && each.body.reply_to === one.id);

function drawStart(one) {
  const thread = threadOf(one.id);
  const answers = thread.filter((each) => each.is_bot && each.body.reply_to === one.id);
  const questions = thread.filter((each) => each.body.inquiry_id && !answers.includes(each));
  return draw(one, { answers: [...answers, ...questions, ...privateAnswers(one)], others: thread.length - answers.length - questions.length, openThread, ...drawing() });
}

function showMessages() {
  const starts = inChannel().filter((one) => !one.thread);
  $("messages").replaceChildren(...starts.map(drawStart), ...pending(null).map(drawPending));
  const more = state.loaded.get(state.channel);
  $("older").hidden = !(more && more.more);
  $("empty").hidden = starts.length > 0;
  if (!starts.length) showEmpty();
  tick();
}

function showEmpty() {
  const lead = isDirect() ? "" : state.me.prefix;
  const suggest = (text) => el("button", { type: "button", class: "button", onclick: () => send(text) }, text);
  $("empty").replaceChildren(el("img", { src: "/chat/static/crow.svg", alt: "", width: "72", height: "72" }),
    el("h2", {}, `Welcome to ${titleOf(state.channel)}`),
    el("p", {}, isDirect() ? "Only you and Stormcrow are here. Say a command as it is." : `A command starts with ${lead} — everything else is talk between people.`),
    el("div", { class: "buttons" }, suggest(`${lead}help`), suggest(`${lead}status`)));
}

function refresh(one) {
  const focused = prompts.focused();
  redraw(one);
  prompts.refocus(focused);
}

function redraw(one) {
  const asked = one.channel === state.me.direct && one.body.reply_to && state.messages.get(one.body.reply_to);
  if (asked && asked.channel !== one.channel) redraw(asked);
  const id = one.thread || one.id;
  if (one.channel === state.channel) {
    const atEnd = isAtEnd();
    const start = state.messages.get(id);
    if (start) {
      const node = $("messages").querySelector(`article[data-id="${CSS.escape(id)}"]`);
      const fresh = drawStart(start);
      if (node) node.replaceWith(fresh);
      else insert(fresh, start);
      $("empty").hidden = true;
    }
    tick();
    if (atEnd) toEnd();
  }
  if (state.thread === id) showThread();
}

function insert(node, one) {
  const later = Array.from($("messages").children).find((each) => {
    const other = state.messages.get(each.dataset.id);
    return !other || other.seq > one.seq;
  });
  $("messages").insertBefore(node, later || null);
}

function pending(thread) {
  return outbox.waiting.filter((one) => one.channel === state.channel && (one.thread || null) === thread && !accepted(one.delivery_key));
}
const accepted = (key) => Array.from(state.messages.values()).some((one) => one.body.key === key);

function drawPending(one) {
  return draw({ id: one.delivery_key, author: state.me.user, is_bot: false, at: one.at, body: { text: one.text, name: state.me.name } },
    { state: one.state || "sending", prefix: state.me.prefix });
}

function showPending() {
  const atEnd = isAtEnd();
  for (const node of $("messages").querySelectorAll("article.sending, article.queued, article.sent")) node.remove();
  $("messages").append(...pending(null).map(drawPending));
  if ($("messages").children.length) $("empty").hidden = true;
  if (atEnd) toEnd();
  if (state.thread) showThread();
}

const outbox = new Outbox({
  changed: (one, word) => { one.state = word; showPending(); },
  refused: (one, error) => {
    showPending();
    if (error.status === 401) { askLogin(); $("input").value = one.text; return; }
    $("link").textContent = error.message;
    if (!$("input").value) { $("input").value = one.text; grow($("input")); }
  },
});

function send(text, { thread = null, direct = false } = {}) {
  if (!text.trim()) return;
  const made = text.trim().match(/^#([A-Za-z0-9][\w-]{0,39})$/);
  if (made) { createChannel(made[1]).catch(problem); return; }
  const body = { channel: state.channel, text, zone: Intl.DateTimeFormat().resolvedOptions().timeZone || "" };
  if (thread) body.thread = thread;
  if (direct) body.direct = true;
  outbox.add(body);
  toEnd();
}

// A button says its command for whoever presses it.
function press(button, message) {
  const thread = message ? message.thread || message.id : null;
  send(button.command, { thread: state.thread && thread === state.thread ? thread : null, direct: true });
}

function problem(error) {
  if (error instanceof Refused && error.status === 401) askLogin();
  else $("link").textContent = error.message;
}

const prompts = new Prompts({ refused: (error) => { if (error.status === 401) askLogin(); } });

const isAtEnd = () => { const log = $("log"); return log.scrollHeight - log.scrollTop - log.clientHeight < 80; };
function toEnd() { const log = $("log"); log.scrollTop = log.scrollHeight; }

function tick() {
  const now = Date.now();
  for (const node of document.querySelectorAll(".elapsed[data-since]")) {
    node.textContent = duration(Math.max(0, (now - new Date(node.dataset.since)) / 1000));
  }
}
setInterval(tick, 1000);

// events

function on(kind, data) {
  if (kind === "reset") { state.messages.clear(); state.loaded.clear(); openChannel(state.channel).catch(problem); return; }
  if (kind === "live") {
    const known = state.messages.get(data.id);
    if (!known || FINISHED.has(known.body.status)) return;
    refresh(Object.assign(known, { body: data.body }));
    return;
  }
  if (kind !== "message") return;
  const isNew = !state.messages.has(data.id);
  keep(data);
  if (data.body.key) showPending();
  refresh(data);
  if (!data.channel.startsWith("@") && !state.channels.includes(data.channel)) {
    state.channels = [...state.channels, data.channel].sort();
    showChannels();
  }
  const isElsewhere = data.channel !== state.channel || document.hidden;
  if (isNew && isElsewhere && data.author !== state.me.user) {
    if (data.channel !== state.channel) state.unread.set(data.channel, (state.unread.get(data.channel) || 0) + 1);
    showChannels();
  }
  if (data.channel === state.channel && !data.thread) store("seen", { ...stored("seen", {}), [data.channel]: data.seq });
}

let lostSince = 0;
function showLink(word) {
  if (word === "open") { lostSince = 0; $("link").textContent = ""; $("link").className = ""; outbox.run(); return; }
  lostSince = lostSince || Date.now();
  $("link").textContent = "reconnecting…";
  $("link").className = "lost";
  call("session").then((me) => { if (!me.signed_in) askLogin(); }).catch(() => {});
}

// panel: a thread or an execution

const detail = new Detail({ body: $("panel-body"), title: $("panel-title"), press: (button) => { press(button, null); if (innerWidth < 900) closePanel(); } });

function openThread(id) { location.hash = `#thread/${id}`; }

function showPanel() { $("panel").hidden = false; $("app").classList.add("with-panel"); }

function closePanel() {
  detail.close();
  state.thread = null;
  if ($("panel").hidden) return;
  $("panel").hidden = true;
  $("app").classList.remove("with-panel");
  const wanted = isDirect() ? "#direct" : `#channel/${state.channel}`;
  if (location.hash !== wanted) history.replaceState(null, "", wanted);
}

function showThread() {
  const start = state.messages.get(state.thread);
  if (!start) return;
  const rest = threadOf(start.id);
  const body = $("panel-body");
  $("panel-title").textContent = "Thread";
  const answersOf = (one) => rest.filter((each) => each.is_bot && each.body.reply_to === one.id);
  const people = [start, ...rest.filter((one) => !one.is_bot || !rest.concat(start).some((each) => each.id === one.body.reply_to))];
  body.replaceChildren(...people.map((one) => draw(one, { answers: one.is_bot ? [] : [...answersOf(one), ...privateAnswers(one)], ...drawing() })),
    ...pending(start.id).map(drawPending));
  $("reply").hidden = false;
  tick();
  body.scrollTop = body.scrollHeight;
}

async function route() {
  if (!state.isSignedIn) return;
  const [kind, value] = location.hash.slice(1).split("/");
  if (kind === "execution" && value) {
    if (!state.channel) await openChannel(startChannel());
    history.replaceState(null, "", `#execution/${value}`);
    state.thread = null;
    $("reply").hidden = true;
    showPanel();
    await detail.open(value);
    $("close").focus();
  } else if (kind === "thread" && value) {
    if (!state.channel) await openChannel(startChannel());
    if (!state.messages.has(value)) { closePanel(); return; }
    detail.close();
    state.thread = value;
    showPanel();
    showThread();
    $("reply-input").focus();
  } else if (kind === "channel" && value) {
    closePanel();
    await openChannel(decodeURIComponent(value));
    focusInput();
  } else if (kind === "direct") {
    closePanel();
    await openChannel(state.me.direct);
    focusInput();
  } else if (!state.channel) {
    await openChannel(startChannel());
    focusInput();
  }
}
function startChannel() {
  const last = stored("channel", "");
  return last === state.me.direct || state.channels.includes(last) ? last : state.me.home || state.me.direct;
}
addEventListener("hashchange", () => route().catch(problem));

// the composer

function focusInput() { if (matchMedia("(hover: hover)").matches) $("input").focus(); }

function grow(field) {
  field.style.height = "auto";
  field.style.height = `${Math.min(field.scrollHeight, 200)}px`;
}

const completer = new Completer({
  input: $("input"), popup: $("popup"), list: $("options"), hint: $("hint"), isDirect,
  prefix: () => state.me.prefix, accepted: () => grow($("input")),
});

let past = { list: [], at: 0, draft: "" };
function recall(by) {
  past.list = stored("history", []);
  if (past.at === 0) past.draft = $("input").value;
  const at = Math.min(Math.max(past.at + by, 0), past.list.length);
  if (at === past.at) return;
  past.at = at;
  $("input").value = at === 0 ? past.draft : past.list[past.list.length - at];
  grow($("input"));
  completer.hide();
}

function submit() {
  const text = $("input").value.trim();
  if (!text) return;
  // An answer may hold a secret: it is not kept.
  if (!/^\W{0,3}answer\s/i.test(text)) {
    const list = stored("history", []).filter((one) => one !== text);
    store("history", [...list, text].slice(-100));
  }
  past = { list: [], at: 0, draft: "" };
  $("input").value = "";
  grow($("input"));
  completer.hide();
  if ($("link").className !== "lost") $("link").textContent = "";
  send(text);
}

$("input").addEventListener("input", () => { grow($("input")); past.at = 0; });
$("input").addEventListener("keydown", (event) => {
  if (event.isComposing) return;
  const typed = $("input").value;
  if (past.at === 0 && completer.key(event)) { event.preventDefault(); return; }
  if (event.key === "Enter" && !event.shiftKey) { event.preventDefault(); submit(); }
  else if (event.key === "ArrowUp" && (typed === "" || past.at > 0)) { event.preventDefault(); recall(1); }
  else if (event.key === "ArrowDown" && past.at > 0) { event.preventDefault(); recall(-1); }
});
$("composer").addEventListener("submit", (event) => { event.preventDefault(); submit(); });
$("reply").addEventListener("submit", (event) => { event.preventDefault(); reply(); });
$("reply-input").addEventListener("input", () => grow($("reply-input")));
$("reply-input").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); reply(); }
});
function reply() {
  const text = $("reply-input").value.trim();
  if (!text || !state.thread) return;
  $("reply-input").value = "";
  grow($("reply-input"));
  send(text, { thread: state.thread });
}

$("older").addEventListener("click", async () => {
  const log = $("log");
  const height = log.scrollHeight;
  try {
    await loadHistory(state.channel, state.loaded.get(state.channel).oldest);
    showMessages();
    log.scrollTop = log.scrollHeight - height;
  } catch (error) { problem(error); }
});

// jump to a channel

function openSwitcher(text = "") {
  $("switcher-input").value = text;
  showSwitcher();
  $("switcher").showModal();
  $("switcher-input").focus();
}
let choice = 0;
function showSwitcher() {
  const typed = $("switcher-input").value.trim().toLowerCase().replace(/^#/, "");
  const names = [...state.channels, state.me.direct].filter((name) => titleOf(name).toLowerCase().includes(typed));
  const rows = names.map((name) => ({ name, label: titleOf(name) }));
  if (typed && !state.channels.includes(typed)) rows.push({ create: typed, label: `Create #${typed}` });
  choice = Math.min(choice, Math.max(rows.length - 1, 0));
  $("switcher-list").replaceChildren(...rows.map((row, index) => {
    const node = el("li", { role: "option", "aria-selected": String(index === choice), onmousedown: (event) => { event.preventDefault(); jump(row); } }, row.label);
    node.row = row;
    return node;
  }));
}
function jump(row) {
  $("switcher").close();
  if (!row) return;
  if (row.create) createChannel(row.create).catch(problem);
  else location.hash = row.name.startsWith("@") ? "#direct" : `#channel/${row.name}`;
}
$("switcher-input").addEventListener("input", () => { choice = 0; showSwitcher(); });
$("switcher-input").addEventListener("keydown", (event) => {
  const rows = Array.from($("switcher-list").children);
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    choice = (choice + (event.key === "ArrowDown" ? 1 : -1) + rows.length) % Math.max(rows.length, 1);
    showSwitcher();
  } else if (event.key === "Enter") {
    event.preventDefault();
    jump(rows[choice] && rows[choice].row);
  }
});
$("switcher").addEventListener("click", (event) => { if (event.target === $("switcher")) $("switcher").close(); });
$("switch").addEventListener("click", () => openSwitcher());
$("add").addEventListener("click", () => openSwitcher("#"));

// the menu on a phone, the panel, the keyboard

function closeMenu() { $("app").classList.remove("with-menu"); $("menu").setAttribute("aria-expanded", "false"); }
$("menu").addEventListener("click", () => {
  const isOpen = $("app").classList.toggle("with-menu");
  $("menu").setAttribute("aria-expanded", String(isOpen));
});
$("veil").addEventListener("click", closeMenu);
$("close").addEventListener("click", () => { closePanel(); focusInput(); });
$("skip").addEventListener("click", (event) => { event.preventDefault(); $("input").focus(); });

addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
    event.preventDefault();
    if (state.isSignedIn && !$("switcher").open) openSwitcher();
  } else if (event.key === "/" && !/^(INPUT|TEXTAREA)$/.test(document.activeElement.tagName)) {
    event.preventDefault();
    $("input").focus();
  } else if (event.key === "Escape" && !$("switcher").open && !$("login").open && $("popup").hidden) {
    closeMenu();
    closePanel();
    focusInput();
  }
});

// who am I

// Said once: after a reload of the page it is no news.
function loginFailed() {
  const failed = new URLSearchParams(location.search).get("login") === "failed";
  if (failed) history.replaceState(null, "", location.pathname + location.hash);
  return failed;
}

function askLogin() {
  const isLogin = state.me ? state.me.login : true;
  $("login-title").textContent = isLogin ? "Sign in" : "Your name";
  $("login-text").textContent = isLogin
    ? "Paste an API key once. Make one with: stormcrow apikey create"
    : "Nobody checks it: this server listens on this machine only, and names are shown as unverified.";
  $("login-label").textContent = isLogin ? "API key" : "Name";
  $("login-input").type = isLogin ? "password" : "text";
  $("login-input").value = isLogin || !state.me ? "" : state.me.name;
  $("login-send").textContent = isLogin ? "Sign in" : "Use this name";
  $("login-cancel").textContent = isLogin && state.isSignedIn ? "Sign out" : "Cancel";
  $("login-cancel").hidden = !state.isSignedIn;
  $("login-ways").replaceChildren(...((state.me && state.me.logins) || []).map((one) => (
    el("a", { class: "button primary", href: `/chat/login/${one.name}` }, `Log in with ${one.title}`))));
  $("login-error").textContent = loginFailed()
    ? "The login did not work. The server's log says why." : "";
  if (!$("login").open) $("login").showModal();
  $("login-input").focus();
}
$("login").addEventListener("cancel", (event) => { if (!state.isSignedIn) event.preventDefault(); });
$("login-cancel").addEventListener("click", async () => {
  if (state.me && state.me.login) { await call("session", { method: "DELETE" }).catch(() => {}); location.reload(); }
  else $("login").close();
});
$("login-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const value = $("login-input").value.trim();
  const isLogin = state.me ? state.me.login : true;
  try {
    await call("session", { method: "POST", body: isLogin ? { key: value } : { name: value } });
    location.reload();
  } catch (error) {
    $("login-error").textContent = error.message;
  }
});
$("who").addEventListener("click", askLogin);

async function begin() {
  showTheme(stored("theme", "auto"));
  if (isMac) $("switch-key").textContent = "⌘ K";
  try {
    state.me = await call("session");
  } catch {
    setTimeout(begin, 1000);
    return;
  }
  if (!state.me.signed_in) { askLogin(); return; }
  if (new URLSearchParams(location.search).get("login") === "failed") askLogin();
  state.isSignedIn = true;
  $("who").replaceChildren(el("span", { class: "dot", "aria-hidden": "true" }), state.me.name);
  $("app").hidden = false;
  await loadChannels();
  const first = startChannel();
  const cursor = await loadHistory(first);
  if (first !== state.me.direct) await loadHistory(state.me.direct);
  state.stream = new Stream({ cursor, on, state: showLink });
  state.channel = "";
  if (!location.hash) history.replaceState(null, "", first.startsWith("@") ? "#direct" : `#channel/${first}`);
  await route();
  if (!state.channel) await openChannel(first);
  completer.load();
  outbox.run();
}

begin().catch(problem);
