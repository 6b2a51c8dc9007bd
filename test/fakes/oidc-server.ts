import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { Provider } from 'oidc-provider';
import { approveInBrowser } from './browser.js';

/** What happens to a request for tokens. The first four happen before it counts, the others after. */
export type TokenFault =
  | { readonly kind: 'status'; readonly status: number; readonly retryAfter?: string }
  | { readonly kind: 'reset' }
  | { readonly kind: 'hang' }
  | { readonly kind: 'error'; readonly error: string; readonly description?: string }
  /** Done, and its answer is lost: all of it, or the second half. */
  | { readonly kind: 'lost' }
  /** Done, and its answer is kept back until then. `onHeld`: it is. */
  | { readonly kind: 'held'; readonly until: Promise<unknown>; readonly onHeld: () => void }
  | { readonly kind: 'truncated' };

export interface OidcServer extends AsyncDisposable {
  readonly url: string;
  /** What happens to the next requests to the token endpoint, one after another; undefined leaves one alone. */
  readonly faults: (TokenFault | undefined)[];
  /** The parameters of each request to the token endpoint. */
  readonly asked: readonly URLSearchParams[];
  /** Keys that were registered, by the bearer token. */
  readonly keys: readonly RegisteredKey[];
  /** What `/v1/keys` answers. Default: 201, and 409 for a key that is there. */
  keysAnswer: number | undefined;
  /** The tokens that were revoked. */
  readonly revoked: readonly string[];
  /** Resolves with the page on which the next login is to be approved. */
  nextPage(): Promise<string>;
  /** Does in the browser what the user would do. */
  approve(page: string): Promise<void>;
  deny(page: string): Promise<void>;
  /** Whose access token that is. Undefined for one that is not good. */
  accountOf(token: string): Promise<string | undefined>;
  /** Answers nobody any more, as a server that is gone. */
  stop(): Promise<void>;
}

export interface RegisteredKey {
  readonly title: string;
  readonly publicKey: string;
  readonly authorization: string | undefined;
}

export interface OidcServerOptions {
  /** Seconds for which a code, and an access token, are good. */
  readonly codeSeconds?: number;
  readonly accessSeconds?: number;
  /** What answers below `/v1/`, in place of its own `/v1/keys`. */
  readonly api?: (request: IncomingMessage, response: ServerResponse) => Promise<void>;
  /** What stands before all of it: true where it has answered, or never will. Hears nothing of the browser's requests. */
  readonly gateway?: (request: IncomingMessage, response: ServerResponse) => Promise<boolean>;
}

/** A real OpenID provider on loopback, with the login of a command line, and `/v1/keys` beside it. */
export async function startOidcServer({
  codeSeconds = 120,
  accessSeconds = 3600,
  api,
  gateway = () => Promise.resolve(false),
}: OidcServerOptions = {}): Promise<OidcServer> {
  const sockets = new Set<Socket>();
  const faults: (TokenFault | undefined)[] = [];
  const asked: URLSearchParams[] = [];
  const keys: RegisteredKey[] = [];
  const revoked: string[] = [];
  const pages: string[] = [];
  let newPage: () => void = () => undefined;
  const http = createServer((request, response) => void answer(request, response));
  http.on('connection', (socket) => sockets.add(socket));
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  const provider = await openProvider(url, { codeSeconds, accessSeconds });
  const server = { keysAnswer: undefined as number | undefined };

  provider.use(async (context, next) => {
    await next();
    if (context.path === '/device/auth' && context.status === 200) {
      const body = context.body as { interval?: number; verification_uri_complete: string };
      body.interval = 1;
      pages.push(body.verification_uri_complete);
      newPage();
    }
    const form = (context as unknown as { oidc?: { params?: Record<string, string> } }).oidc?.params ?? {};
    if (context.path === '/token') asked.push(new URLSearchParams(Object.entries(form).filter(([, value]) => value)));
    if (context.path === '/token/revocation' && context.status === 200) revoked.push(form['token'] ?? '');
  });

  // Put together with what was added above.
  const callback = provider.callback();
  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (ofTheProgram.test(request.url ?? '') && (await gateway(request, response))) return;
    if (api !== undefined && request.url?.startsWith('/v1/') === true) return api(request, response);
    if (request.url === '/v1/keys') return register(request, response);
    const fault = request.url === '/token' ? faults.shift() : undefined;
    if (fault !== undefined && happens(fault, request, response)) return;
    await callback(request, response);
  }

  async function register(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { title, publicKey } = JSON.parse(Buffer.concat(chunks).toString()) as Omit<RegisteredKey, 'authorization'>;
    const isKnown = keys.some((key) => key.publicKey === publicKey);
    const status = server.keysAnswer ?? (isKnown ? 409 : 201);
    if (status === 201) keys.push({ title, publicKey, authorization: request.headers.authorization });
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ error: { code: 'said', message: `status ${status}` } }));
  }

  const stop = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy();
    if (!http.listening) return;
    http.close();
    await once(http, 'close');
  };
  return Object.assign(server, {
    ...{ url, faults, asked, keys, revoked, stop },
    nextPage: async () => {
      while (pages.length === 0) await new Promise<void>((resolve) => (newPage = resolve));
      return pages.shift() ?? '';
    },
    approve: (page: string) => approveInBrowser(page, 'approve'),
    deny: (page: string) => approveInBrowser(page, 'deny'),
    accountOf: async (token: string) => (await provider.AccessToken.find(token))?.accountId,
    [Symbol.asyncDispose]: stop,
  });
}

const ofTheProgram = /^\/(\.well-known\/|device\/auth$|token|v1\/)/;

async function openProvider(
  issuer: string,
  { codeSeconds, accessSeconds }: Required<Pick<OidcServerOptions, 'codeSeconds' | 'accessSeconds'>>,
): Promise<Provider> {
  const { Provider } = await import('oidc-provider');
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: 'sidecar-cli',
        token_endpoint_auth_method: 'none',
        application_type: 'native',
        grant_types: ['urn:ietf:params:oauth:grant-type:device_code', 'refresh_token'],
        response_types: [],
        redirect_uris: [],
      },
    ],
    features: { deviceFlow: { enabled: true }, revocation: { enabled: true } },
    scopes: ['openid', 'offline_access'],
    cookies: { keys: ['a key for tests'] },
    ttl: {
      ...{ DeviceCode: codeSeconds, AccessToken: accessSeconds },
      ...{ Grant: 3600, IdToken: 3600, Interaction: 3600, RefreshToken: 3600, Session: 3600 },
    },
  });
  return provider;
}

/** True where the request has had its answer, or none. */
function happens(fault: TokenFault, request: IncomingMessage, response: ServerResponse): boolean {
  switch (fault.kind) {
    case 'status': {
      const headers = fault.retryAfter === undefined ? {} : { 'retry-after': fault.retryAfter };
      response.writeHead(fault.status, { 'content-type': 'text/html', ...headers }).end('<h1>no</h1>');
      return true;
    }
    case 'reset':
      request.socket.resetAndDestroy();
      return true;
    case 'hang':
      return true;
    case 'error':
      response.writeHead(400, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ error: fault.error, error_description: fault.description }));
      return true;
    case 'lost':
      response.end = () => {
        request.socket.resetAndDestroy();
        return response;
      };
      return false;
    case 'held': {
      const end = response.end.bind(response);
      response.end = (body?: unknown) => {
        fault.onHeld();
        void fault.until.then(() => end(body));
        return response;
      };
      return false;
    }
    case 'truncated': {
      response.end = (body?: unknown) => {
        const text = String(body);
        response.write(text.slice(0, text.length / 2), () => request.socket.destroy());
        return response;
      };
      return false;
    }
  }
}
