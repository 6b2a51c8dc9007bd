import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { unusedPort } from './unused-port.js';
import { findPart } from './parts.js';
import { makeKey, type MadeKey } from './ssh-keys.js';

const run = promisify(execFile);

export interface SshdOptions {
  /** Public keys that may log in, `ssh-ed25519 AAAA…`. */
  readonly authorizedKeys?: readonly string[];
  /** Default: an unused one. */
  readonly port?: number;
  /** Default: a fresh ed25519 key. */
  readonly hostKey?: MadeKey;
  /** The home directory of every session, instead of the user's own: with it no start files, and `~` is here. */
  readonly home?: string;
  readonly maxAuthTries?: number;
  /** Further lines for sshd_config; they come first, and sshd obeys the first word on anything. */
  readonly config?: readonly string[];
}

export interface Sshd extends AsyncDisposable {
  readonly host: '127.0.0.1';
  readonly port: number;
  /** Who may log in: the user that runs the tests. */
  readonly user: string;
  readonly hostKey: MadeKey;
  /** The host key as a pin or a known_hosts line has it. */
  readonly hostKeyLine: string;
  /** Everything that it logged so far. What happened on a connection is there a moment later. */
  log(): string;
  /** How many connections it has told of. The end of an earlier one may come into its log at any time. */
  connections(): number;
  /** Resolves once it has logged these words. */
  logged(words: string): Promise<void>;
  /** Ends the server and every connection to it. May be called twice. */
  stop(): Promise<void>;
}

/** A real sshd on loopback, ready when the promise resolves. Needs the programs in `sshdParts`. */
export async function startSshd(options: SshdOptions = {}): Promise<Sshd> {
  for (;;) {
    try {
      return await start(options);
    } catch (error) {
      // Somebody else has taken the port since it was found to be free.
      if (options.port !== undefined || !String(error).includes('Address already in use')) throw error;
    }
  }
}

async function start(options: SshdOptions): Promise<Sshd> {
  const directory = await mkdtemp(join(tmpdir(), 'sidecar-sshd-'));
  const port = options.port ?? (await unusedPort());
  const hostKey = options.hostKey ?? (await makeKey(directory, 'host_key'));
  await writeFile(join(directory, 'authorized_keys'), (options.authorizedKeys ?? []).join('\n'));
  await writeFile(join(directory, 'sshd_config'), configFor({ ...options, port, hostKey, directory }));
  if (process.getuid?.() === 0) await mkdir('/run/sshd', { recursive: true });

  const child = spawn(findPart('sshd') ?? 'sshd', ['-D', '-e', '-f', join(directory, 'sshd_config')], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let log = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (log += text));
  const stop = async (): Promise<void> => {
    await kill(child);
    await rm(directory, { recursive: true, force: true });
  };
  try {
    await listening(child, () => log);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    host: '127.0.0.1',
    port,
    user: userInfo().username,
    hostKey,
    hostKeyLine: hostKey.line,
    log: () => log,
    connections: () => log.match(/^Connection from /gm)?.length ?? 0,
    logged: async (words) => {
      while (!log.includes(words)) await once(child.stderr, 'data');
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

export const sshdParts = ['sshd', 'ssh-keygen'];

function configFor(options: SshdOptions & { port: number; hostKey: MadeKey; directory: string }): string {
  const { home, maxAuthTries, config = [], port, hostKey, directory } = options;
  return [
    ...config,
    'ListenAddress 127.0.0.1',
    `Port ${port}`,
    `HostKey ${hostKey.path}`,
    `AuthorizedKeysFile ${join(directory, 'authorized_keys')}`,
    'PidFile none',
    'StrictModes no',
    'UsePAM no',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    // DEBUG1 would show more, and show it in the stderr of every command as well.
    'LogLevel VERBOSE',
    ...(maxAuthTries === undefined ? [] : [`MaxAuthTries ${maxAuthTries}`]),
    // SetEnv alone would leave the session in the directory of the passwd file.
    ...(home === undefined
      ? []
      : [`SetEnv HOME=${home}`, 'ForceCommand cd "$HOME" && exec "$SHELL" -c "$SSH_ORIGINAL_COMMAND"']),
    '',
  ].join('\n');
}

function listening(child: ChildProcess, log: () => string): Promise<void> {
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', () => reject(new Error(`sshd did not start:\n${log()}`)));
    child.stderr?.on('data', () => {
      if (log().includes('Server listening on')) resolve();
    });
  });
}

/** Each connection is a process (a session of its own), and its unprivileged half the child of that. */
async function kill(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const connections = await childrenOf(child.pid);
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
  for (const pid of connections) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It was gone already.
    }
  }
}

async function childrenOf(pid: number): Promise<number[]> {
  try {
    const { stdout } = await run('pgrep', ['-P', String(pid)]);
    return stdout.trim().split('\n').map(Number);
  } catch {
    return [];
  }
}
