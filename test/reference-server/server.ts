import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import type { Machine } from '../../src/provider/provider.js';
import { Account, type Pace } from './account.js';
import { answer, refusal } from './calls.js';
import { misbehave, send, type Fault, type Reply } from './faults.js';
import { deviations } from './openapi-check.js';
import { joinWebSockets } from './websocket.js';

export interface ReferenceServerOptions {
  /** An empty directory of its own. */
  readonly stateDir: string;
  /** Whose token that is; undefined for one that is not good. Default: `token` is that of `dev`. */
  readonly account?: (token: string) => Promise<string | undefined>;
  /** How clients are told to reach machines. */
  readonly endpoint?: 'tcp' | 'websocket';
}

export interface Heard {
  readonly method: string;
  readonly path: string;
  /** Counted from 0. */
  readonly index: number;
  readonly authorization: string | undefined;
}

/**
 * A control plane as src/control/openapi.json describes it, whose machines are local sidecars. Every request and answer is
 * held against that document.
 */
export class ReferenceServer {
  readonly #options: ReferenceServerOptions;
  readonly #accounts = new Map<string, Account>();
  #port = 0;
  readonly #server = createServer((request, response) => void this.serve(request, response));
  /** What was asked so far. */
  readonly requests: Heard[] = [];
  /** What was not as the document says: nothing, in a test that passes. */
  readonly deviations: string[] = [];
  /** What is to go wrong with a request. */
  fault: (heard: Heard) => Fault | undefined = () => undefined;
  /** Of what is made and resumed from now on. */
  pace: Pace = {};
  /** How a creation that is repeated is answered. */
  repeated: 201 | 409 = 201;
  /** What stands before every path. */
  prefix = '';

  /** It listens nowhere. */
  constructor(options: ReferenceServerOptions) {
    this.#options = options;
  }

  static async start(options: ReferenceServerOptions): Promise<ReferenceServer> {
    const reference = new ReferenceServer(options);
    joinWebSockets(reference.#server, (id) => reference.#portOf(id));
    await reference.listen(0);
    return reference;
  }

  /** On a port of loopback; 0: any. */
  async listen(port: number): Promise<void> {
    this.#server.listen(port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  get port(): number {
    return this.#port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}${this.prefix}`;
  }

  /** What was asked, as `POST /v1/keys`. */
  get calls(): string[] {
    return this.requests.map(({ method, path: asked }) => `${method} ${asked.replace(/sc-[0-9a-f-]+/, '{id}')}`);
  }

  account(name = 'dev'): Account {
    const known = this.#accounts.get(name);
    if (known !== undefined) return known;
    const { stateDir, endpoint = 'tcp' } = this.#options;
    const account = new Account({
      stateDir: path.join(stateDir, name),
      pace: () => this.pace,
      endpointOf: (id, port) =>
        endpoint === 'tcp'
          ? { kind: 'tcp', host: '127.0.0.1', port }
          : { kind: 'websocket', url: `ws://127.0.0.1:${this.port}/v1/sidecars/${id}/ssh` },
    });
    this.#accounts.set(name, account);
    return account;
  }

  /** Every machine that there is in truth, of all users. */
  async machines(): Promise<Machine[]> {
    return (await Promise.all([...this.#accounts.values()].map((each) => each.machines()))).flat();
  }

  /** Takes no more connections, and cuts those that there are. */
  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#server.listening) await this.close();
    await Promise.all([...this.#accounts.values()].map((each) => each.stop()));
  }

  /** Answers a request that another server has taken, too. */
  async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url = '', headers } = request;
    const heard = { method, path: url.slice(this.prefix.length), index: this.requests.length };
    const authorized = { ...heard, authorization: headers.authorization };
    this.requests.push(authorized);
    const fault = this.fault(authorized);
    if (fault !== undefined && fault.after !== true) {
      request.resume();
      misbehave(response, fault, undefined);
      return;
    }
    const body = await readBody(request);
    const reply = await this.#reply(authorized, headers, body).catch((error: unknown) =>
      refusal(500, 'internal', String(error)),
    );
    const exchange = { ...heard, headers, body: jsonOf(body), status: reply.status, answer: reply.body };
    this.deviations.push(...deviations(exchange));
    if (fault === undefined) send(response, reply);
    else misbehave(response, fault, reply);
  }

  async #reply(heard: Heard, headers: IncomingMessage['headers'], body: string | undefined): Promise<Reply> {
    if (body === undefined) return refusal(413, 'too_large', `no request is larger than ${maxBodyBytes} bytes`);
    if (heard.method === 'GET' && heard.path === '/v1/health') return { status: 200, body: { status: 'ok' } };
    const token = /^Bearer (.+)$/.exec(heard.authorization ?? '')?.[1] ?? '';
    const { account = (each) => Promise.resolve(each === 'token' ? 'dev' : undefined) } = this.#options;
    const user = token === '' ? undefined : await account(token);
    if (user === undefined) {
      const challenge = { 'www-authenticate': 'Bearer error="invalid_token"' };
      return { ...refusal(401, 'unauthenticated', `the token ${token} is not good`), headers: challenge };
    }
    const asked = { ...heard, headers, body: jsonOf(body), account: this.account(user), repeated: this.repeated };
    return answer(asked);
  }

  async #portOf(id: string): Promise<number | undefined> {
    for (const account of this.#accounts.values()) {
      const port = await account.portOf(id);
      if (port !== undefined) return port;
    }
    return undefined;
  }
}

const maxBodyBytes = 64 * 1024;

/** Undefined for one that is too large. */
async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes <= maxBodyBytes) chunks.push(chunk);
  }
  return bytes > maxBodyBytes ? undefined : Buffer.concat(chunks).toString('utf8');
}

function jsonOf(text: string | undefined): unknown {
  try {
    return text === undefined || text === '' ? undefined : (JSON.parse(text) as unknown);
  } catch {
    return text;
  }
}
