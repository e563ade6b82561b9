// The detail view: one execution with its parameters, its steps and its output as it comes.

import { call } from "./api.js";
import { badge, clock, duration, el, FINISHED, piece } from "./render.js";

export class Detail {
  constructor({ body, title, press }) {
    Object.assign(this, { body, title, press });
    this.source = null;
  }

  close() {
    if (this.source) this.source.close();
    this.source = null;
    this.id = null;
  }

  async open(id) {
    this.close();
    this.id = id;
    this.title.textContent = "Execution";
    this.body.replaceChildren(el("p", { class: "muted" }, "Loading…"));
    let one;
    try {
      one = await call(`executions/${encodeURIComponent(id)}`);
    } catch (error) {
      this.body.replaceChildren(el("p", { class: "problem" }, error.message));
      return;
    }
    if (this.id !== id) return;
    this.top = el("div", {});
    this.output = el("pre", { class: "output", tabindex: "0", "aria-label": "Output" });
    this.silent = el("p", { class: "muted" }, "Nothing printed yet.");
    this.result = el("div", {});
    const file = el("a", { class: "quiet-link", href: `/chat/executions/${one.id}/output`, download: "" }, "Download");
    this.body.replaceChildren(this.top, el("div", { class: "section-head" }, el("h3", {}, "Output"), file), this.silent, this.output, this.result);
    this.draw(one);
    this.follow(one.id);
  }

  follow(id) {
    const source = new EventSource(`/chat/executions/${id}/events`);
    this.source = source;
    source.onopen = () => { this.output.replaceChildren(); };
    source.addEventListener("output", (event) => {
      const pinned = this.body.scrollHeight - this.body.scrollTop - this.body.clientHeight < 60;
      for (const chunk of JSON.parse(event.data)) {
        this.output.append(el("span", { class: chunk.kind }, chunk.data));
      }
      this.silent.hidden = true;
      if (pinned && this.isRunning) this.body.scrollTop = this.body.scrollHeight;
    });
    source.addEventListener("changed", (event) => this.draw(JSON.parse(event.data)));
    source.addEventListener("end", (event) => {
      source.close();
      if (!this.output.hasChildNodes()) this.silent.textContent = "It printed nothing.";
      if (JSON.parse(event.data).is_cut) this.output.append(el("span", { class: "muted" }, "\n… the rest is in the download."));
    });
  }

  draw(one) {
    this.isRunning = !FINISHED.has(one.status);
    this.title.textContent = one.action;
    const short = one.id.slice(-6);
    const run = (label, command, style = "") => el("button", { type: "button", class: `button small ${style}`, onclick: () => this.press({ label, command }, null) }, label);
    const facts = [["started by", one.user], ["runner", one.runner], ["id", one.id]];
    if (one.command) facts.unshift(["command", one.command]);
    if (one.elapsed_s !== null) facts.push(["took", duration(one.elapsed_s)]);
    facts.push(...one.policies);
    const values = Object.entries(one.parameters).map(([name, value]) => [name, typeof value === "string" ? value : JSON.stringify(value)]);
    const list = (rows) => el("dl", { class: "fields" }, ...rows.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));
    this.top.replaceChildren(
      el("div", { class: "detail-head" }, badge(one.status), this.isRunning ? run("Cancel", `cancel ${short}`, "danger") : run("Run again", `rerun ${short}`)),
      one.description ? el("p", { class: "muted" }, one.description) : "",
      list(facts),
      ...one.about.map(piece),
      values.length ? el("h3", {}, "Parameters") : "", values.length ? list(values) : "",
      el("h3", {}, "Steps"),
      el("ol", { class: "steps" }, ...one.log.map((step) => el("li", {}, badge(step.status), clock(step.at, { seconds: true })))),
      one.children.length ? el("h3", {}, "Started by this one") : "",
      one.children.length ? el("ul", { class: "children" }, ...one.children.map((id) => el("li", {}, el("a", { href: `#execution/${id}` }, id.slice(-6))))) : "");
    if (!this.isRunning && one.result !== null) {
      this.result.replaceChildren(el("details", { class: "long" }, el("summary", {}, "Result as JSON"),
        el("figure", { class: "code" }, el("pre", { tabindex: "0" }, JSON.stringify(one.result, null, 2).slice(0, 200000)))));
    }
  }
}
