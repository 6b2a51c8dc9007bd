import { readFile } from 'node:fs/promises';
import { connect as connectSocket, isIP } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { SidecarError } from '../../../errors.js';
import { errorCode } from '../../../files/private-files.js';
import { openCommand } from '../../../transport/route/command.js';
import { shellWord } from '../../../transport/shell-word.js';
import { tlsFile, type EngineAddress, type EngineTls, type SshDestination } from './address.js';

/** A new stream to the engine's HTTP server. A socket is given at once, while it still connects. */
export async function dialEngine(address: EngineAddress, env: NodeJS.ProcessEnv): Promise<Duplex> {
  switch (address.kind) {
    case 'unix':
      return connectSocket({ path: address.path });
    case 'tcp': {
      const { host, port, tls } = address;
      if (tls === undefined) return connectSocket({ host, port, noDelay: true });
      // An address is no name that a server could be asked for.
      const servername = isIP(host) === 0 ? { servername: host } : {};
      return connectTls({ host, port, ...servername, ...(await tlsOptions(tls)) });
    }
    case 'ssh':
      return openCommand(sshCommand(address.destination, address.socket), { env });
  }
}

async function tlsOptions(tls: EngineTls) {
  if (tls.directory === '') return {};
  const [ca, cert, key] = await Promise.all(
    (['ca.pem', 'cert.pem', 'key.pem'] as const).map((name) => readIfThere(tlsFile(tls, name))),
  );
  return {
    rejectUnauthorized: tls.verify,
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  };
}

async function readIfThere(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw new SidecarError('provider.failed', { reason: `${path} cannot be read` }, { cause: error, retryable: false });
  }
}

/** The user's own ssh, with all that their ~/.ssh/config says. It asks nothing: several run at once. */
function sshCommand({ host, user, port }: SshDestination, socket: string | undefined): readonly [string, ...string[]] {
  const [docker, podman] =
    socket === undefined
      ? ['docker system dial-stdio', 'podman system dial-stdio']
      : [`docker --host ${at(socket)} system dial-stdio`, `podman --url ${at(socket)} system dial-stdio`];
  const script = `if command -v docker >/dev/null; then exec ${docker}; else exec ${podman}; fi`;
  return [
    'ssh',
    ...['-o', 'BatchMode=yes', '-o', 'ConnectTimeout=30', '-T'],
    ...(user === undefined ? [] : ['-l', user]),
    ...(port === undefined ? [] : ['-p', String(port)]),
    '--',
    host,
    // The login shell over there may be any.
    `sh -c ${shellWord(script)}`,
  ];
}

function at(socket: string): string {
  return `"unix://${socket.replaceAll(/[\\"$`]/g, '\\$&')}"`;
}
