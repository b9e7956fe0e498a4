/** A clock, an API and a WebSocket that a test holds in its hand. */

import { webcrypto } from "node:crypto";
import { setImmediate } from "node:timers/promises";

globalThis.crypto ??= webcrypto; // older Nodes have it under another name

export const JOB_ID = "665f1f77bcf86cd799439011";

/** Let everything that is ready to happen, happen. */
export async function settle() {
  for (let turn = 0; turn < 20; turn++) await setImmediate();
}

/** Time that passes when a test says so; in place of the real one until `restore`. */
export function fakeTime() {
  const { setTimeout, clearTimeout } = globalThis;
  const waiting = new Map();
  let now = 0;
  let last = 0;
  globalThis.setTimeout = (act, milliseconds) => {
    waiting.set(++last, { act, at: now + milliseconds });
    return last;
  };
  globalThis.clearTimeout = (timer) => waiting.delete(timer);
  return {
    /** Let time pass, timer by timer, each with all that follows from it. */
    async pass(milliseconds) {
      const end = now + milliseconds;
      for (;;) {
        const [timer, next] = [...waiting].sort(([, one], [, other]) => one.at - other.at)[0] ?? [];
        if (!next || next.at > end) break;
        waiting.delete(timer);
        now = next.at;
        next.act();
        await settle();
      }
      now = end;
      await settle();
    },
    restore: () => Object.assign(globalThis, { setTimeout, clearTimeout }),
  };
}

export function aJob(changes = {}) {
  return { jobId: JOB_ID, status: "processing", version: 1, progress: 0.1, prompt: "A kite", ...changes };
}

/** Answers in the order they were put in, the last one again and again; remembers what it was asked. */
export class FakeApi {
  calls = [];
  #answers = new Map();

  answer(route, ...answers) {
    this.#answers.set(route, answers);
  }

  asked(route) {
    return this.calls.filter((call) => call.route === route);
  }

  fetch = async (url, { method, headers, body }) => {
    const route = `${method} ${url}`;
    this.calls.push({ route, headers, body: body && JSON.parse(body) });
    const waiting = this.#answers.get(route);
    if (!waiting) throw new Error(`nobody expected ${route}`);
    const answer = waiting.length > 1 ? waiting.shift() : waiting[0];
    const { status = 200, data, error, headers: given = {}, until } = answer;
    await until;
    if (status === 0) throw new TypeError("Failed to fetch");
    const text = error ? { success: false, error, requestId: "r1" } : { success: true, data };
    return new Response(status === 204 || status === 304 ? null : JSON.stringify(text), { status, headers: given });
  };
}

/** Sockets of a test; each waits to be opened, or refused. */
export function fakeSockets() {
  const made = [];
  class FakeSocket {
    sent = [];
    isClosed = false;

    constructor(url) {
      this.url = url;
      made.push(this);
    }

    send(text) {
      this.sent.push(JSON.parse(text));
    }

    close() {
      if (this.isClosed) return;
      this.isClosed = true;
      this.onclose?.();
    }

    open() {
      this.onopen();
    }

    say(message) {
      this.onmessage({ data: typeof message === "string" ? message : JSON.stringify(message) });
    }

    update(changes) {
      const data = aJob(changes);
      this.say({ type: "job.updated", id: "e1", jobId: data.jobId, version: data.version, data });
    }
  }
  return { made, FakeSocket };
}
