// Talks to the server: JSON there and back, and an outbox that survives the page and the server.

export class Refused extends Error {
  constructor(status, data, fallback) {
    const message = data.error || data.faultstring || fallback;
    super(data.hint ? `${message} ${data.hint}` : message);
    this.status = status;
    this.data = data;
  }
}

export async function call(path, { method = "GET", body } = {}) {
  const headers = body === undefined ? {} : { "content-type": "application/json" };
  const response = await fetch(`/chat/${path}`, {
    method,
    headers,
    credentials: "same-origin",
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await response.text();
  let data = {};
  try { data = JSON.parse(text); } catch { data = { error: text.slice(0, 200) }; }
  if (!response.ok) throw new Refused(response.status, data, response.statusText);
  return data;
}

const BOX = "stormcrow.outbox";

// What was written and not yet accepted. Sent in order, each under a key of its own, so that an
// answer lost on the way does not run a command twice.
export class Outbox {
  constructor({ changed, refused }) {
    this.changed = changed;
    this.refused = refused;
    this.waiting = load();
    this.busy = false;
    this.pause = 400;
  }

  add(message) {
    const one = { ...message, delivery_key: newKey(), at: new Date().toISOString() };
    this.waiting.push(one);
    this.save();
    this.changed(one, "sending");
    this.run();
    return one;
  }

  drop(key) {
    this.waiting = this.waiting.filter((one) => one.delivery_key !== key);
    this.save();
  }

  save() { localStorage.setItem(BOX, JSON.stringify(this.waiting)); }

  async run() {
    if (this.busy) return;
    this.busy = true;
    while (this.waiting.length) {
      const one = this.waiting[0];
      try {
        const { at, ...body } = one;
        await call("messages", { method: "POST", body });
        this.drop(one.delivery_key);
        this.pause = 400;
        this.changed(one, "sent");
      } catch (error) {
        if (error instanceof Refused && error.status >= 400 && error.status < 500 && error.status !== 429) {
          this.drop(one.delivery_key);
          this.refused(one, error);
          continue;
        }
        this.changed(one, "queued");
        await new Promise((done) => { setTimeout(done, this.pause); });
        this.pause = Math.min(this.pause * 1.6, 5000);
      }
    }
    this.busy = false;
  }
}

function load() {
  try { return JSON.parse(localStorage.getItem(BOX)) || []; } catch { return []; }
}

function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

// The stream of events. It comes back by itself, says what it saw last, and misses nothing.
export class Stream {
  constructor({ cursor, on, state }) {
    this.cursor = cursor;
    this.on = on;
    this.state = state;
    this.pause = 300;
    this.open();
  }

  open() {
    const source = new EventSource(`/chat/events?after=${this.cursor}`);
    this.source = source;
    source.onopen = () => { this.pause = 300; this.state("open"); };
    source.onerror = () => {
      source.close();
      this.state("lost");
      setTimeout(() => this.open(), this.pause);
      this.pause = Math.min(this.pause * 1.6, 4000);
    };
    for (const kind of ["message", "live", "reset", "hello"]) {
      source.addEventListener(kind, (event) => {
        if (event.lastEventId) this.cursor = Math.max(this.cursor, Number(event.lastEventId));
        this.on(kind, JSON.parse(event.data));
      });
    }
  }
}
