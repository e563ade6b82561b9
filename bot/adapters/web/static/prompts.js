// What waits for a person: a form or buttons below a message, and the way of an answer to the server.

import { call, Refused } from "./api.js";
import { el } from "./render.js";

const NUMBERS = { integer: "numeric", number: "decimal" };

// What is typed is kept here while messages are drawn anew, and nowhere else.
export class Prompts {
  constructor({ refused }) {
    this.refused = refused;
    this.drafts = new Map();
    this.count = 0;
  }

  draft(id) {
    if (!this.drafts.has(id)) this.drafts.set(id, { values: {}, problems: {}, said: "", isBad: false, isBusy: false });
    return this.drafts.get(id);
  }

  draw(prompt, message) {
    const draft = this.draft(prompt.id);
    const questions = prompt.questions || [];
    const buttons = (prompt.buttons || []).length ? prompt.buttons : [{ label: "Send", value: "", style: "primary" }];
    const form = el("form", { class: "prompt", "data-id": prompt.id, novalidate: true, autocomplete: "off" },
      ...questions.map((one) => this.question(one, draft)),
      el("div", { class: "buttons" },
        ...buttons.map((one) => el("button", { type: "submit", class: `button small ${one.style || ""}`, value: one.value || "" }, one.label)),
        message.body.inquiry_id ? el("a", { class: "button small", href: `#execution/${prompt.id}` }, "Details") : null),
      el("p", { class: "told", role: "status" }),
      prompt.answer_with ? el("p", { class: "answer-with" }, "Or say: ", el("code", {}, prompt.answer_with)) : null);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.send(prompt, message, event.submitter ? event.submitter.value : "");
    });
    this.show(form, draft);
    return form;
  }

  question(one, draft) {
    this.count += 1;
    const id = `question-${this.count}`;
    if (!(one.name in draft.values)) draft.values[one.name] = one.default || "";
    const field = this.field(one, draft, id);
    const isGroup = field.tagName === "FIELDSET";
    const label = [one.label, one.is_required ? el("i", { class: "required" }, " needed") : null];
    return el("div", { class: "question", "data-name": one.name },
      isGroup ? el("span", { class: "label", id: `${id}-label` }, ...label) : el("label", { for: id }, ...label),
      field,
      one.about ? el("p", { class: "about-field", id: `${id}-about` }, one.about) : null,
      el("p", { class: "problem", id: `${id}-problem`, role: "alert" }));
  }

  field(one, draft, id) {
    const common = { id, name: one.name || "response", "aria-describedby": `${id}-about ${id}-problem`, "aria-required": one.is_required ? "true" : null };
    const keep = (event) => { draft.values[one.name] = event.target.value; };
    const choices = one.choices || [];
    if (one.type === "array" && choices.length) return this.several(one, draft, id);
    let field;
    if (choices.length) {
      field = el("select", { ...common, onchange: keep }, el("option", { value: "" }, "—"), ...choices.map((choice) => el("option", { value: choice }, choice)));
    } else if (one.is_long) {
      field = el("textarea", { ...common, rows: "3", spellcheck: "false", oninput: keep });
    } else {
      field = el("input", { ...common, type: one.is_secret ? "password" : "text", inputmode: NUMBERS[one.type], autocomplete: one.is_secret ? "new-password" : "off", spellcheck: "false", oninput: keep });
    }
    field.value = draft.values[one.name];
    return field;
  }

  several(one, draft, id) {
    const chosen = () => { try { return JSON.parse(draft.values[one.name]); } catch { return (draft.values[one.name] || "").split(",").map((each) => each.trim()); } };
    const box = (choice) => el("label", {}, el("input", { type: "checkbox", value: choice, checked: chosen().includes(choice) }), choice);
    const group = el("fieldset", { id, "aria-labelledby": `${id}-label`, "aria-describedby": `${id}-problem` }, ...one.choices.map(box));
    group.addEventListener("change", () => {
      const boxes = Array.from(group.querySelectorAll("input:checked"), (each) => each.value);
      draft.values[one.name] = boxes.length ? JSON.stringify(boxes) : "";
    });
    return group;
  }

  // Problems, what was said, and whether an answer is on its way: without drawing the fields anew.
  show(form, draft) {
    for (const node of form.querySelectorAll(".question")) {
      const problem = draft.problems[node.dataset.name] || "";
      node.querySelector(".problem").textContent = problem;
      const field = node.querySelector("input, select, textarea, fieldset");
      if (problem) field.setAttribute("aria-invalid", "true");
      else field.removeAttribute("aria-invalid");
    }
    for (const button of form.querySelectorAll("button")) button.disabled = draft.isBusy;
    const told = form.querySelector(".told");
    told.textContent = draft.said;
    told.classList.toggle("bad", draft.isBad);
  }

  showAll(id) {
    for (const form of document.querySelectorAll(`form.prompt[data-id="${CSS.escape(id)}"]`)) this.show(form, this.draft(id));
  }

  // Sent again after a lost connection: the same answer of the same person is one answer.
  async send(prompt, message, button) {
    const draft = this.draft(prompt.id);
    if (draft.isBusy) return;
    Object.assign(draft, { isBusy: true, said: "", isBad: false, problems: {} });
    this.showAll(prompt.id);
    const values = Object.fromEntries((prompt.questions || []).map((one) => [one.name, draft.values[one.name] || ""]));
    const body = { channel: message.channel, values, button };
    for (let pause = 400; ; pause = Math.min(pause * 1.6, 5000)) {
      try {
        const answer = await call(`prompts/${encodeURIComponent(prompt.id)}/answers`, { method: "POST", body });
        Object.assign(draft, { isBusy: false, values: {}, said: answer.said });
        break;
      } catch (error) {
        if (error instanceof Refused && error.status < 500) {
          const problems = error.data.problems || {};
          const said = Object.keys(problems).length ? problems[""] || "" : error.message;
          Object.assign(draft, { isBusy: false, said, isBad: true, problems });
          this.refused(error);
          break;
        }
        draft.said = "waiting for the server…";
        this.showAll(prompt.id);
        await new Promise((done) => { setTimeout(done, pause); });
      }
    }
    this.showAll(prompt.id);
    const wrong = document.querySelector(`form.prompt[data-id="${CSS.escape(prompt.id)}"] [aria-invalid]`);
    if (wrong) wrong.focus();
  }

  // A message may be drawn anew while somebody types in its form.
  focused() {
    const field = document.activeElement;
    const form = field && field.closest ? field.closest("form.prompt") : null;
    if (!form || !field.name) return null;
    const { selectionStart: start = null, selectionEnd: end = null } = field;
    return { container: form.closest("#messages, #panel-body"), id: form.dataset.id, name: field.name, start, end };
  }

  refocus(before) {
    if (!before || !before.container || document.activeElement !== document.body) return;
    const field = before.container.querySelector(`form.prompt[data-id="${CSS.escape(before.id)}"] [name="${CSS.escape(before.name)}"]`);
    if (!field) return;
    field.focus({ preventScroll: true });
    if (before.start !== null && field.setSelectionRange) field.setSelectionRange(before.start, before.end);
  }
}
