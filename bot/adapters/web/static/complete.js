// Completes commands: which ones fit what is typed so far, and which parameter comes next.

import { call } from "./api.js";
import { el } from "./render.js";

const TOKEN = /\{\{\s*(\w+)[^}]*\}\}|<([^>]+)>|\[([^\]]+)\]|\S+/g;
const SHOWN = 8;

function tokens(command) {
  return Array.from((command.template || command.display).matchAll(TOKEN), (match) => {
    const name = match[1] || match[2] || match[3];
    if (name) return { name: name.trim() };
    return match[0].includes("|") ? { word: match[0].split("|")[0], words: match[0].toLowerCase().split("|") } : { word: match[0] };
  });
}

// How far `words` go along a command: null when they do not fit.
export function fit(parts, words, isOpen) {
  let at = 0;
  let score = 0;
  let active = null;
  for (let i = 0; i < words.length; i += 1) {
    const isLast = i === words.length - 1;
    const part = parts[at];
    const next = active !== null ? parts.slice(at).find((each) => each.word) : null;
    if (active !== null && next && next.word.toLowerCase() === words[i].toLowerCase()) {
      at = parts.indexOf(next) + 1;
      active = null;
      score += 2;
    } else if (part && part.word && active === null) {
      const typed = words[i].toLowerCase();
      const wanted = part.words ? part.words.find((each) => each.startsWith(typed)) || part.words[0] : part.word.toLowerCase();
      if (wanted !== typed && !(isLast && isOpen && wanted.startsWith(typed))) return null;
      score += wanted === typed ? 2 : 1;
      if (wanted === typed) at += 1;
    } else if (part && part.name) {
      active = part.name;
      at += 1;
    } else if (active === null) {
      return null;
    }
  }
  const isTyping = isOpen && words.length > 0;
  const coming = parts[at];
  if (!isTyping && coming && coming.name) active = coming.name;
  else if (!isTyping && coming && coming.word) active = null;
  const part = isTyping && coming && coming.words && active === null && words.length > 0 ? coming : null;
  return { at, score, active, choices: (part || (!isTyping && coming) || {}).words || null };
}

export class Completer {
  constructor({ input, popup, list, hint, isDirect, prefix, accepted }) {
    Object.assign(this, { input, popup, list, hint, isDirect, prefix, accepted });
    this.commands = [];
    this.shown = [];
    this.selected = -1;
    input.addEventListener("input", () => this.update());
    input.addEventListener("blur", () => setTimeout(() => this.hide(), 120));
    input.addEventListener("focus", () => this.load());
  }

  async load() {
    if (this.loadedAt && Date.now() - this.loadedAt < 30000) return;
    this.loadedAt = Date.now();
    try {
      this.commands = (await call("commands")).map((one) => ({ ...one, parts: tokens(one) }));
    } catch {
      this.loadedAt = 0;
    }
  }

  get isShown() { return !this.popup.hidden && this.shown.length > 0; }

  typed() {
    const text = this.input.value.slice(0, this.input.selectionStart);
    const prefix = this.prefix();
    if (text.includes("\n")) return null;
    if (text.startsWith(prefix)) return { lead: prefix, text: text.slice(prefix.length) };
    return this.isDirect() && text ? { lead: "", text } : null;
  }

  update() {
    const typed = this.typed();
    if (typed === null) { this.hide(); return; }
    const words = typed.text.trim().split(/\s+/).filter(Boolean);
    const isOpen = !/\s$/.test(typed.text);
    const fitting = this.commands
      .map((command) => ({ command, how: fit(command.parts, words, isOpen) }))
      .filter((each) => each.how)
      .sort((a, b) => b.how.score - a.how.score || a.command.display.localeCompare(b.command.display));
    const first = fitting[0];
    this.first = first;
    const own = first && first.how.choices;
    const parameter = own ? { choices: own, description: first.command.description } : first && first.how.active && first.command.parameters.find((each) => each.name === first.how.active);
    if (parameter && parameter.choices.length) {
      const begun = isOpen ? words[words.length - 1] || "" : "";
      const choices = parameter.choices.filter((choice) => choice.toLowerCase().startsWith(begun.toLowerCase()));
      this.show(choices.slice(0, SHOWN).map((choice) => ({ choice, begun, label: choice, about: parameter.description })));
    } else if (fitting.length) {
      this.show(fitting.slice(0, SHOWN).map(({ command, how }) => ({ command, how, label: command.display, about: command.description, pack: command.pack })));
    } else {
      const text = typed.text.trim().toLowerCase();
      const found = text.length < 2 ? [] : this.commands.filter((one) => `${one.display} ${one.description}`.toLowerCase().includes(text));
      this.show(found.slice(0, SHOWN).map((command) => ({ command, how: { at: 0 }, replace: true, label: command.display, about: command.description, pack: command.pack })));
    }
    this.showHint(first);
  }

  show(options) {
    this.shown = options;
    this.selected = -1;
    this.list.replaceChildren(...options.map((option, index) => el("li", {
      id: `option-${index}`, role: "option", "aria-selected": "false",
      onmousedown: (event) => { event.preventDefault(); this.accept(index); },
    }, el("code", {}, option.label), el("span", { class: "about" }, option.about || ""), option.pack ? el("span", { class: "pack" }, option.pack) : null)));
    this.popup.hidden = options.length === 0;
    this.input.setAttribute("aria-expanded", String(options.length > 0));
    this.input.removeAttribute("aria-activedescendant");
  }

  showHint(first) {
    const parameters = first && first.how.score >= 2 ? first.command.parameters : [];
    this.hint.hidden = parameters.length === 0;
    this.hint.replaceChildren(...parameters.map((each) => el("span", { class: `parameter ${each.name === first.how.active ? "active" : ""}` },
      el("b", {}, each.name), each.required ? el("i", { class: "required" }, "required") : null,
      each.default !== null && each.default !== undefined ? el("i", {}, `= ${each.default}`) : null,
      el("span", {}, [each.choices.join(" | ") || (each.type === "string" ? "" : each.type), each.description].filter(Boolean).join(" · ")))));
  }

  hide() {
    this.shown = [];
    this.selected = -1;
    this.popup.hidden = true;
    this.input.setAttribute("aria-expanded", "false");
    this.input.removeAttribute("aria-activedescendant");
  }

  move(by) {
    const count = this.shown.length;
    this.selected = (this.selected + by + count + (this.selected < 0 && by < 0 ? 1 : 0)) % count;
    Array.from(this.list.children).forEach((node, index) => {
      node.setAttribute("aria-selected", String(index === this.selected));
      if (index === this.selected) node.scrollIntoView({ block: "nearest" });
    });
    this.input.setAttribute("aria-activedescendant", `option-${this.selected}`);
  }

  accept(index = Math.max(this.selected, 0)) {
    const option = this.shown[index];
    const typed = this.typed();
    if (!option || !typed) return;
    let text;
    if (option.choice !== undefined) {
      text = `${typed.text.slice(0, typed.text.length - option.begun.length)}${option.choice} `;
    } else {
      const { parts } = option.command;
      const words = [];
      let at = option.how.at;
      while (parts[at] && parts[at].word) { words.push(parts[at].word); at += 1; }
      const begun = option.replace || (words.length && !/\s$/.test(typed.text)) ? typed.text.replace(/\S*$/, "") : typed.text;
      const kept = option.replace ? "" : begun;
      text = words.length ? `${kept}${kept && !/\s$/.test(kept) ? " " : ""}${words.join(" ")}${parts[at] ? " " : ""}` : typed.text;
    }
    const rest = this.input.value.slice(this.input.selectionStart);
    this.input.value = typed.lead + text + rest;
    const caret = typed.lead.length + text.length;
    this.input.setSelectionRange(caret, caret);
    this.accepted();
    this.update();
  }

  // True when the key was for the list.
  key(event) {
    if (!this.isShown) return false;
    if (event.key === "Tab" && !event.shiftKey) this.accept();
    else if (event.key === "ArrowDown") this.move(1);
    else if (event.key === "ArrowUp") this.move(-1);
    else if (event.key === "Escape") this.hide();
    else if (event.key === "Enter" && this.selected >= 0) this.accept();
    else return false;
    return true;
  }
}
