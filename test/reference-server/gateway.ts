import type { IncomingMessage, ServerResponse } from 'node:http';
import { misbehave, type Fault } from './faults.js';

/** A request of the program, as `index` of all. */
export interface Passing {
  readonly method: string;
  readonly path: string;
  readonly index: number;
}

/** Stands before a server at the same address, and has things go wrong with whatever is asked of it. */
export class Gateway {
  readonly #seen: Passing[] = [];
  fault: (asked: Passing) => Fault | undefined = () => undefined;
  /** Waited for before a request is passed on. */
  before: (asked: Passing) => Promise<unknown> = () => Promise.resolve();

  /** What was asked, in order. */
  get calls(): string[] {
    return this.#seen.map(({ method, path }) => `${method} ${path}`);
  }

  /** True where it was answered here, or is not to be answered. */
  readonly answer = async (request: IncomingMessage, response: ServerResponse): Promise<boolean> => {
    if (request.headers[passedOn] !== undefined) return false;
    const { method = '', url = '' } = request;
    const asked = { method, path: url.replace(/sc-[\w-]+/, '{id}'), index: this.#seen.length };
    this.#seen.push(asked);
    await this.before(asked);
    const fault = this.fault(asked);
    if (fault === undefined) return false;
    if (fault.after === true) {
      misbehave(response, fault, await passOn(request));
      return true;
    }
    request.resume();
    misbehave(response, fault, undefined);
    return true;
  };
}

const passedOn = 'x-passed-on';

async function passOn(request: IncomingMessage): Promise<{ readonly status: number; readonly body?: unknown }> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  const { host = '' } = request.headers;
  const passed = ['authorization', 'content-type', 'idempotency-key', 'accept'].map((name) => [
    name,
    request.headers[name],
  ]);
  const answer = await fetch(`http://${host}${request.url ?? ''}`, {
    method: request.method ?? 'GET',
    headers: {
      ...(Object.fromEntries(passed.filter(([, value]) => value !== undefined)) as Record<string, string>),
      [passedOn]: 'yes',
    },
    ...(chunks.length === 0 ? {} : { body: Buffer.concat(chunks) }),
  });
  const text = await answer.text();
  return { status: answer.status, ...(text === '' ? {} : { body: JSON.parse(text) as unknown }) };
}
