import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/** What becomes of a request on its way. `before`: the engine does not hear of it; `after`: its answer does not arrive. */
export type Fault =
  | { readonly kind: 'cut-before' }
  | { readonly kind: 'cut-after' }
  | { readonly kind: 'cut-in-answer' }
  | { readonly kind: 'garbled' }
  | { readonly kind: 'answer'; readonly status: number; readonly message: string }
  | { readonly kind: 'silence' };

interface Rule {
  readonly what: RegExp;
  readonly fault: Fault;
  left: number;
}

/** Stands between a provider and an engine, and spoils what it is told to. */
export class FaultyEngine implements AsyncDisposable {
  readonly host: string;
  /** `POST /containers/create` and so on, without version and query. */
  readonly asked: string[] = [];
  readonly #engine: string;
  readonly #server = createServer();
  readonly #sockets = new Set<Socket>();
  #rules: Rule[] = [];

  private constructor(path: string, engine: string) {
    this.host = `unix://${path}`;
    this.#engine = engine.replace('unix://', '');
    this.#server
      .on('connection', (socket: Socket) => {
        this.#sockets.add(socket);
        socket.on('error', () => undefined).once('close', () => this.#sockets.delete(socket));
      })
      .on('request', (asked, answer) => this.#pass(asked, answer))
      .on('upgrade', (asked: IncomingMessage, socket: Duplex, head: Buffer) => this.#join(asked, socket, head))
      .listen(path);
  }

  static async before(engine: string, path: string): Promise<FaultyEngine> {
    const faulty = new FaultyEngine(path, engine);
    await once(faulty.#server, 'listening');
    return faulty;
  }

  /** From now on, for so many requests of that kind. */
  spoil(what: RegExp, fault: Fault, times = 1): void {
    this.#rules.push({ what, fault, left: times });
  }

  /** Spoils nothing any more. */
  heal(): void {
    this.#rules = [];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #faultFor(asked: IncomingMessage): Fault | undefined {
    const what = `${asked.method} ${(asked.url ?? '').replace(/^\/v[\d.]+/, '').replace(/\?.*/, '')}`;
    this.asked.push(what);
    const rule = this.#rules.find((each) => each.left > 0 && each.what.test(what));
    if (rule !== undefined) rule.left -= 1;
    return rule?.fault;
  }

  #pass(asked: IncomingMessage, answer: ServerResponse): void {
    const fault = this.#faultFor(asked);
    switch (fault?.kind) {
      case 'silence':
        return;
      case 'cut-before':
        asked.socket.destroy();
        return;
      case 'answer':
        asked.resume();
        answer.writeHead(fault.status, { 'Content-Type': 'application/json' });
        answer.end(JSON.stringify({ message: fault.message }));
        return;
      case 'cut-after':
      case 'cut-in-answer':
      case 'garbled':
      case undefined:
        this.#forward(asked, answer, fault);
    }
  }

  #forward(asked: IncomingMessage, answer: ServerResponse, fault: Fault | undefined): void {
    const { method, url, headers } = asked;
    const to = { socketPath: this.#engine, agent: false, method, path: url, headers };
    const forwarded = request(to, (response) => {
      if (fault?.kind === 'cut-after') {
        response.resume().once('end', () => asked.socket.destroy());
        return;
      }
      if (fault?.kind === 'garbled') {
        response.resume().once('end', () => answer.writeHead(response.statusCode ?? 500).end('{}'));
        return;
      }
      answer.writeHead(response.statusCode ?? 500, response.headers);
      if (fault === undefined) {
        response.pipe(answer);
        return;
      }
      answer.flushHeaders();
      response.once('data', (chunk: Buffer) => answer.write(chunk.subarray(0, 3)));
      response.once('end', () => asked.socket.destroy());
    });
    forwarded.on('error', () => asked.socket.destroy());
    // In one piece, as it came.
    const body: Buffer[] = [];
    asked.on('data', (chunk: Buffer) => body.push(chunk)).on('end', () => forwarded.end(Buffer.concat(body)));
  }

  #join(asked: IncomingMessage, socket: Duplex, head: Buffer): void {
    if (this.#faultFor(asked) !== undefined) {
      socket.destroy();
      return;
    }
    const engine = connect(this.#engine);
    const lines = Object.entries(asked.headers).map(([name, value]) => `${name}: ${String(value)}\r\n`);
    engine.write(`${asked.method} ${asked.url} HTTP/1.1\r\n${lines.join('')}\r\n`);
    engine.write(head);
    for (const each of [engine, socket]) each.on('error', () => undefined);
    engine.pipe(socket).once('close', () => engine.destroy());
    socket.pipe(engine).once('close', () => socket.destroy());
  }
}
