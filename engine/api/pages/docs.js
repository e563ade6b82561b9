// The documentation of the API, drawn from openapi.json. All texts are put in as text, never as markup.
"use strict";

const METHODS = ["get", "post", "put", "delete"];
const shown = [];

function make(name, props = {}, ...children) {
  const made = Object.assign(document.createElement(name), props);
  made.append(...children);
  return made;
}

function kindOf(schema) {
  if (!schema) return "";
  if (schema.$ref) return schema.$ref.split("/").pop().replace(/Selection$/, "");
  if (schema.type === "array") return `list of ${kindOf(schema.items) || "anything"}`;
  if (schema.enum) return schema.enum.join(" | ");
  if (schema.format === "date-time") return Array.isArray(schema.type) ? "time or null" : "time";
  return Array.isArray(schema.type) ? schema.type.join(" or ") : schema.type || "anything";
}

function resolved(schema, spec) {
  return schema && schema.$ref ? spec.components.schemas[schema.$ref.split("/").pop()] : schema || {};
}

function example(schema, spec) {
  const whole = resolved(schema, spec);
  const given = {};
  for (const name of whole.required || []) {
    const part = resolved(whole.properties[name], spec);
    const kind = Array.isArray(part.type) ? part.type[0] : part.type;
    given[name] = { array: [], object: {}, boolean: true, integer: 1, number: 1 }[kind] ?? "...";
    if (part.required) given[name] = example(part, spec);
  }
  return given;
}

function curl(method, path, operation, spec) {
  const words = ["curl -H \"St2-Api-Key: $ST2_API_KEY\""];
  if (path === "/tokens") words[0] = "curl -u NAME";
  if (method !== "get") words.push(`-X ${method.toUpperCase()}`);
  const body = operation.requestBody && operation.requestBody.content["application/json"];
  if (body) {
    const text = JSON.stringify(example(body.schema, spec));
    words.push("-H 'Content-Type: application/json'", `-d '${text}'`);
  } else if (operation.requestBody) {
    words.push("-H 'Content-Type: text/plain'", "--data-binary @FILE");
  }
  words.push(`'${location.origin}/api/v1${path.replace(/\{(\w+)\}/g, (_, name) => name.toUpperCase())}'`);
  return words.join(" ");
}

function table(rows, word = "required") {
  const made = make("table");
  for (const [name, kind, about, must] of rows) {
    const first = make("td", {}, make("code", { textContent: name }));
    if (must) first.append(make("span", { className: "must", textContent: ` ${word}` }));
    made.append(make("tr", {}, first, make("td", { textContent: kind }), make("td", { textContent: about })));
  }
  return made;
}

function fields(schema, spec) {
  const whole = resolved(schema && schema.type === "array" ? schema.items : schema, spec);
  const must = new Set(whole.required || []);
  return Object.entries(whole.properties || {}).map(([name, part]) => [name, kindOf(part), "", must.has(name)]);
}

function section(title, ...parts) {
  return [make("h3", { textContent: title }), ...parts];
}

function inside(method, path, operation, spec) {
  const made = make("div", { className: "inside" });
  if (operation.description) made.append(make("p", { className: "words", textContent: operation.description }));
  const line = curl(method, path, operation, spec);
  const button = make("button", { type: "button", textContent: "Copy" });
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(line);
    button.textContent = "Copied";
  });
  made.append(...section("Try", make("div", { className: "curl" }, make("pre", { textContent: line }), button)));
  const parameters = operation.parameters.map((one) => [
    one.name, `${kindOf(one.schema)} in ${one.in}`, one.description || "", one.required,
  ]);
  if (parameters.length) made.append(...section("Parameters", table(parameters)));
  if (operation.requestBody) {
    const [kind, body] = Object.entries(operation.requestBody.content)[0];
    made.append(...section(`Body: ${kindOf(body.schema)} (${kind})`, table(fields(body.schema, spec))));
  }
  const [status, good] = Object.entries(operation.responses)[0];
  for (const [kind, body] of Object.entries(good.content || { "": {} })) {
    const what = kind ? `${kindOf(body.schema)} (${kind})` : "nothing";
    made.append(...section(`Answer ${status}: ${what}`, table(fields(body.schema, spec), "always")));
  }
  const faults = Object.keys(operation.responses).slice(1).join(", ");
  made.append(...section("Also", make("p", { textContent: `${faults}: {"faultstring": "..."}` })));
  return made;
}

function row(method, path, operation, spec) {
  const right = operation["x-right"] || (operation.security ? "open" : "any key");
  const made = make("details", { id: operation.operationId }, make("summary", {},
    make("span", { className: `method ${method}`, textContent: method.toUpperCase() }),
    make("code", { textContent: path }),
    make("span", { className: "says", textContent: operation.summary }),
    make("span", { className: "right", textContent: right, title: "The right that it needs" })));
  // Only what is opened is drawn.
  made.addEventListener("toggle", () => {
    if (made.open && made.children.length === 1) made.append(inside(method, path, operation, spec));
  });
  const words = [method, path, operation.summary, right, operation.description || "",
    ...operation.parameters.map((one) => one.name)].join(" ").toLowerCase();
  shown.push({ made, words });
  return made;
}

function draw(spec) {
  const groups = new Map();
  for (const [path, item] of Object.entries(spec.paths)) {
    for (const method of METHODS.filter((one) => item[one])) {
      const tag = item[method].tags[0];
      if (!groups.has(tag)) groups.set(tag, []);
      groups.get(tag).push(row(method, path, item[method], spec));
    }
  }
  document.getElementById("about").textContent = spec.info.description;
  document.getElementById("waiting").remove();
  const main = document.getElementById("operations");
  for (const [tag, rows] of [...groups].sort((one, other) => one[0].localeCompare(other[0]))) {
    const group = make("section", { id: `tag-${tag}` }, make("h2", { textContent: tag }), ...rows);
    main.append(group);
    document.getElementById("tags").append(make("a", { href: `#tag-${tag}` },
      document.createTextNode(tag), make("span", { textContent: rows.length })));
  }
}

function search() {
  const wanted = document.getElementById("search").value.toLowerCase().split(/\s+/).filter(Boolean);
  let count = 0;
  for (const { made, words } of shown) {
    made.hidden = !wanted.every((word) => words.includes(word));
    count += made.hidden ? 0 : 1;
  }
  for (const group of document.querySelectorAll("section")) {
    group.hidden = ![...group.querySelectorAll("details")].some((one) => !one.hidden);
  }
  document.getElementById("count").textContent = count === 1 ? "1 operation" : `${count} operations`;
}

function open() {
  const made = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (made) {
    if (made.tagName === "DETAILS") made.open = true;
    made.scrollIntoView();
  }
}

async function start() {
  const answer = await fetch("/openapi.json");
  if (!answer.ok) throw new Error(`openapi.json: ${answer.status}`);
  draw(await answer.json());
  search();
  document.getElementById("search").addEventListener("input", search);
  addEventListener("hashchange", open);
  open();
}

start().catch((error) => {
  const waiting = document.getElementById("waiting") || document.getElementById("operations");
  waiting.textContent = `The description could not be loaded: ${error.message}`;
});
