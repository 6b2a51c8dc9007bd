import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import ssh2, { type AuthContext, type Connection, type ServerChannel, type Session } from 'ssh2';
import { generateKeyPair } from '../../src/transport/key-pair.js';

export interface SshServerOptions {
  /** Shown before the login. */
  readonly banner?: string;
  /** Decides on each authentication request. Default: everybody may in. */
  readonly onAuth?: (request: AuthContext, connection: Connection) => void;
  readonly onSession?: (session: Session, connection: Connection) => void;
  /** Plays whoever a forwarded connection was meant for. */
  readonly onForward?: (channel: ServerChannel) => void;
}

export interface SshServer extends AsyncDisposable {
  readonly port: number;
  /** How many authentication requests it has seen. */
  readonly authRequests: number;
  /** How many connections it has seen. */
  readonly connections: number;
  stop(): Promise<void>;
}

/** An SSH server in this process, for what a well-behaved sshd cannot be made to do. */
export async function startSshServer(options: SshServerOptions = {}): Promise<SshServer> {
  const { banner, onAuth = acceptEverybody, onSession = () => undefined, onForward = () => undefined } = options;
  const open = new Set<Connection>();
  const seen = { authRequests: 0, connections: 0 };
  const hostKeys = [(await generateKeyPair()).privateKey];
  const server = new ssh2.Server({ hostKeys, ...(banner === undefined ? {} : { banner }) }, (connection) => {
    seen.connections += 1;
    open.add(connection);
    connection
      .on('error', () => undefined)
      .on('close', () => open.delete(connection))
      .on('authentication', (request) => {
        seen.authRequests += 1;
        onAuth(request, connection);
      })
      .on('session', (accept) => onSession(accept(), connection))
      .on('tcpip', (accept) => onForward(accept()));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const stop = async (): Promise<void> => {
    for (const connection of open) connection.end();
    const closed = once(server, 'close');
    server.close();
    await closed;
  };
  return {
    port: (server.address() as AddressInfo).port,
    get authRequests() {
      return seen.authRequests;
    },
    get connections() {
      return seen.connections;
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

function acceptEverybody(request: AuthContext): void {
  request.accept();
}
