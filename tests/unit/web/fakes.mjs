/** A clock, an API and a WebSocket that tests control. */

import { webcrypto } from "node:crypto";
import { setImmediate } from "node:timers/promises";

globalThis.crypto ??= webcrypto; // older versions of Node do not define it

export const JOB_ID = "665f1f77bcf86cd799439011";

/** Run all pending callbacks. */
export async function settle() {
  for (let turn = 0; turn < 20; turn++) await setImmediate();
}

/** Replace the timers by a clock that only `pass` advances, until `restore`. */
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
    /** Advance the clock from timer to timer, and run what each of them causes. */
    async pass(milliseconds) {
      const end = now + milliseconds;
      for (;;) {
        const [timer, next] = [...waiting].sort(([, one], [, other]) => one.at - other.at)[0] ?? [];
        if (!next || next.at > end) break;
        waiting.delete(timer);
        now = Math.max(now, next.at);
        next.act();
        await settle();
      }
      now = end;
      await settle();
    },
    /** Advance the clock as if the device slept: no timer fires until the end, then all that are due. */
    async sleep(milliseconds) {
      now += milliseconds;
      await this.pass(0);
    },
    restore: () => Object.assign(globalThis, { setTimeout, clearTimeout }),
  };
}

export function aJob(changes = {}) {
  return { jobId: JOB_ID, status: "processing", version: 1, progress: 0.1, prompt: "A kite", ...changes };
}

/** An API that returns the given responses in order, repeats the last, and records the calls. */
export class FakeApi {
  calls = [];
  #responses = new Map();

  respond(route, ...responses) {
    this.#responses.set(route, responses);
  }

  callsOf(route) {
    return this.calls.filter((call) => call.route === route);
  }

  fetch = async (url, { method = "GET", mode = "cors", headers, body }) => {
    const route = `${method} ${url}`;
    this.calls.push({ route, mode, headers, body: body && JSON.parse(body) });
    const remaining = this.#responses.get(route);
    if (!remaining) throw new Error(`unexpected call of ${route}`);
    const response = remaining.length > 1 ? remaining.shift() : remaining[0];
    const { status = 200, data, error, text, headers: given = {}, until, failure = "TypeError" } = response;
    await until;
    if (status === 0) throw Object.assign(new TypeError("Failed to fetch"), { name: failure });
    const content = error ? { success: false, error, requestId: "r1" } : { success: true, data };
    return new Response(status === 204 || status === 304 ? null : (text ?? JSON.stringify(content)), { status, headers: given });
  };
}

/** Return a WebSocket class whose sockets stay unconnected until the test opens or closes them. */
export function fakeSockets() {
  const created = [];
  class FakeSocket {
    sent = [];
    isClosed = false;

    constructor(url) {
      this.url = url;
      created.push(this);
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

    receive(message) {
      this.onmessage({ data: typeof message === "string" ? message : JSON.stringify(message) });
    }

    update(changes) {
      const data = aJob(changes);
      this.receive({ type: "job.updated", id: "e1", jobId: data.jobId, version: data.version, data });
    }
  }
  return { created, FakeSocket };
}
