import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import ssh2, { type AuthContext, type Connection } from 'ssh2';
import { accountName } from './account.js';
import { machineEnvironment } from './environment.js';
import { runForward } from './forward.js';
import { listenForClient, type ClientListener, type Wanted } from './listener.js';
import type { Running } from './running.js';
import { acceptSession } from './session.js';
import { canGiveTerminals } from './terminal.js';

const host = '127.0.0.1';

/** Longer than the interval of the keepalives that ssh2 sends once a user is in: only a stranger is silent so long. */
const silenceMs = 60_000;

/** OpenSSH's MaxAuthTries. */
const mostAuthAttempts = 6;

export interface LocalServerOptions {
  /** The port to listen on when it is free; another one otherwise. 0: any. */
  readonly port: number;
  /** OpenSSH private key. */
  readonly hostKey: string;
  /** The only keys that are let in, `ssh-ed25519 AAAA…`, and only for the account that runs the server. */
  readonly authorizedKeys: readonly string[];
  /** Where commands start, and their `HOME`. */
  readonly home: string;
  /** Where commands get the little that they inherit, see environment.ts. */
  readonly env: NodeJS.ProcessEnv;
}

export interface LocalServer {
  readonly port: number;
  /** Ends every connection and every command. May be called twice. */
  close(): Promise<void>;
}

/**
 * An SSH server on the loopback interface, inside this process: exec, shell and forwarded ports both ways; terminals,
 * where script(1) of util-linux is installed.
 * Rejects with the system's error when no port can be had.
 */
export async function startLocalServer(options: LocalServerOptions): Promise<LocalServer> {
  const user = accountName();
  const env = machineEnvironment({ env: options.env, home: options.home, user });
  const authorized = options.authorizedKeys.map((line) => parseKey(line));
  const hasTerminals = await canGiveTerminals(env);
  const running = new Set<Running>();
  const sockets = new Set<Socket>();

  const server = new ssh2.Server({ hostKeys: [options.hostKey] }, (client) => {
    client.on('error', () => undefined); // a broken connection concerns nobody else
    let attempts = 0;
    client.on('authentication', (context) => {
      attempts += 1;
      if (attempts > mostAuthAttempts) client.end();
      else if (context.username === user && authorized.some((key) => provesKey(context, key))) context.accept();
      else context.reject(['publickey']);
    });
    serve(client, { home: options.home, env, hasTerminals, running });
  });

  // A listener of our own, to have the sockets: ssh2 neither gives them out nor ends them.
  const listener = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    socket.setTimeout(silenceMs, () => socket.destroy());
    server.injectSocket(socket);
  });
  listener.on('error', () => undefined); // after the start: one connection less, out of file descriptors
  const port = await listen(listener, options.port);
  return {
    port,
    close: async () => {
      listener.close();
      for (const socket of sockets) socket.destroy();
      for (const each of running) each.hangUp('kill');
      await Promise.all([...running].map(({ done }) => done));
    },
  };
}

interface Machine {
  readonly home: string;
  readonly env: Readonly<Record<string, string>>;
  readonly hasTerminals: boolean;
  /** Everything that goes on, over all connections. */
  readonly running: Set<Running>;
}

function serve(client: Connection, { home, env, hasTerminals, running }: Machine): void {
  const own = new Set<Running>();
  const keep = (each: Running): void => {
    for (const set of [own, running]) set.add(each);
    void each.done.then(() => {
      for (const set of [own, running]) set.delete(each);
    });
  };
  let isOver = false;
  client.on('close', () => {
    isOver = true;
    for (const each of own) each.hangUp();
  });
  client.on('session', (accept) => acceptSession(accept(), { home, env, hasTerminals, keep }));
  client.on('tcpip', (accept, reject, { destIP, destPort }) => {
    // 32 bits on the wire; Node throws for a port that cannot be.
    if (destPort > 65_535) reject();
    else keep(runForward({ host: destIP, port: destPort, accept, reject }));
  });
  const listeners = new Map<string, ClientListener>();
  const listen = async (wanted: Wanted): Promise<number> => {
    const listener = await listenForClient(client, wanted, keep);
    keep(listener);
    if (isOver) listener.hangUp();
    listeners.set(`${wanted.bindAddr}:${listener.port}`, listener);
    return listener.port;
  };
  // Sockets in the file system can be asked for too, and are refused.
  client.on('request', (accept, reject, name: string, info) => {
    const wanted = info as Wanted;
    if (name === 'tcpip-forward') {
      listen(wanted).then(
        (port) => accept?.(port),
        () => reject?.(),
      );
    } else if (name === 'cancel-tcpip-forward') {
      listeners.get(`${wanted.bindAddr}:${wanted.bindPort}`)?.hangUp();
      accept?.();
    } else reject?.();
  });
}

/** Two rounds: the client first asks whether the key would do, then signs with it (RFC 4252 §7). */
function provesKey(context: AuthContext, authorized: ssh2.ParsedKey): boolean {
  if (context.method !== 'publickey') return false;
  const { key, signature, blob, hashAlgo } = context;
  if (key.algo !== authorized.type || !key.data.equals(authorized.getPublicSSH())) return false;
  if (signature === undefined) return true;
  // ssh2 returns an Error, against its types, for what it cannot check.
  const verified: unknown = blob !== undefined && authorized.verify(blob, signature, hashAlgo);
  return verified === true;
}

function parseKey(text: string): ssh2.ParsedKey {
  const key = ssh2.utils.parseKey(text);
  if (key instanceof Error) throw key;
  return key;
}

/** The port that was had: another one when somebody else took the wanted one. */
async function listen(listener: Server, wantedPort: number): Promise<number> {
  const attempt = (port: number): Promise<number> =>
    new Promise((resolve, reject) => {
      listener.once('error', reject);
      listener.listen({ host, port, exclusive: true }, () => {
        listener.off('error', reject);
        resolve((listener.address() as AddressInfo).port);
      });
    });
  return attempt(wantedPort).catch((error: unknown) => {
    if (wantedPort === 0) throw error;
    return attempt(0);
  });
}
