import type { ServerResponse } from 'node:http';

/** What goes wrong with a request: before the service has seen it, or after it was carried out. */
export type Fault =
  /** A gateway answers in the service's place. `after`: though it was carried out. */
  | {
      readonly kind: 'status';
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: string;
      readonly after?: boolean;
    }
  /** The connection is reset. `after`: the answer is lost. */
  | { readonly kind: 'reset'; readonly after?: boolean }
  /** Half of the answer arrives. */
  | { readonly kind: 'truncated'; readonly after: true }
  /** Nothing ever arrives. */
  | { readonly kind: 'hang'; readonly after?: boolean };

export interface Reply {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export function send(response: ServerResponse, { status, body, headers = {} }: Reply): void {
  const text = body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body);
  const type = typeof body === 'string' ? 'text/html' : 'application/json';
  const length = Buffer.byteLength(text);
  response.writeHead(status, {
    ...(text === '' ? {} : { 'content-type': type }),
    ...(status === 204 ? {} : { 'content-length': length }),
    ...headers,
  });
  response.end(text);
}

/** Answers as the fault has it. `reply` is what the service would say. */
export function misbehave(response: ServerResponse, fault: Fault, reply: Reply | undefined): void {
  switch (fault.kind) {
    case 'status': {
      const { status, headers, body = `<html>${status}</html>` } = fault;
      send(response, { status, body, ...(headers === undefined ? {} : { headers }) });
      return;
    }
    case 'reset':
      response.socket?.resetAndDestroy();
      return;
    case 'truncated': {
      const text = reply?.body === undefined ? '{"half' : JSON.stringify(reply.body);
      response.writeHead(reply?.status ?? 200, {
        'content-type': 'application/json',
        'content-length': text.length + 1,
      });
      response.write(text.slice(0, Math.ceil(text.length / 2)), () => response.socket?.destroy());
      return;
    }
    case 'hang':
  }
}
