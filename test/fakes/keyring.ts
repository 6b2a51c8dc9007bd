import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { NoKeyring, type OpenKeyringEntry } from '../../src/control/tokens/keyring.js';
import { hasEnded } from './processes.js';
import { removeDirectory } from './remove-directory.js';

/**
 * A keyring in memory. Locked, it does what the real one does: it says that the dialogue was dismissed. What is too long for
 * it is half there when it says so.
 */
export function fakeKeyring({ locked = false, mostBytes = Infinity } = {}): {
  readonly open: OpenKeyringEntry;
  readonly held: Map<string, string>;
} {
  const held = new Map<string, string>();
  const unlessLocked = <T>(work: () => T): Promise<T> =>
    locked
      ? Promise.reject(new Error("Couldn't access platform storage: unlock prompt was dismissed"))
      : Promise.resolve().then(work);
  const open: OpenKeyringEntry = (account) =>
    Promise.resolve({
      getPassword: () => unlessLocked(() => held.get(account)),
      setPassword: (password) =>
        unlessLocked(() => {
          held.set(account, password.slice(0, mostBytes));
          if (password.length > mostBytes) throw new Error(`password is longer than ${mostBytes}`);
        }),
      deletePassword: () => unlessLocked(() => void held.delete(account)),
      close: () => undefined,
    });
  return { open, held };
}

/** A machine without any keyring. */
export const noKeyring: OpenKeyringEntry = () => Promise.reject(new NoKeyring('Platform failure: no DBus'));

export interface HungBus extends AsyncDisposable {
  /** For those who are to use it. */
  readonly env: NodeJS.ProcessEnv;
  /** Resolves once somebody is connected, and with what resolves once they are so no more. */
  connected(): Promise<{ readonly gone: Promise<unknown> }>;
}

/** A message bus that takes every connection, and says nothing. */
export async function startHungBus(): Promise<HungBus> {
  const home = mkdtempSync(path.join(tmpdir(), 'sidecar-bus-'));
  const socket = path.join(home, 'bus');
  const callers: Socket[] = [];
  const bus = createServer((caller) => {
    callers.push(caller.on('error', () => undefined).resume());
    bus.emit('called');
  });
  bus.listen(socket);
  await once(bus, 'listening');
  return {
    env: { DBUS_SESSION_BUS_ADDRESS: `unix:path=${socket}`, DISPLAY: '', WAYLAND_DISPLAY: '' },
    connected: async () => {
      for (;;) {
        const caller = callers.shift();
        if (caller !== undefined) return { gone: caller.closed ? Promise.resolve() : once(caller, 'close') };
        await once(bus, 'called');
      }
    },
    [Symbol.asyncDispose]: async () => {
      bus.close();
      for (const caller of callers) caller.destroy();
      await once(bus, 'close');
      rmSync(home, { recursive: true, force: true });
    },
  };
}

export interface RealKeyring extends Disposable {
  /** For those who are to use it. */
  readonly env: NodeJS.ProcessEnv;
  /** Ends the daemon and starts another, which nobody has unlocked. */
  lock(): void;
}

/** A real keyring, GNOME's, on a message bus of its own. */
export async function startKeyring(): Promise<RealKeyring> {
  const home = mkdtempSync(path.join(tmpdir(), 'sidecar-keyring-'));
  const runtime = path.join(home, 'run');
  mkdirSync(runtime, { mode: 0o700 });
  const places = { HOME: home, XDG_RUNTIME_DIR: runtime, DISPLAY: '', WAYLAND_DISPLAY: '' };
  const bus: ChildProcess = spawn('dbus-daemon', ['--session', '--nofork', '--print-address=1'], {
    env: { ...process.env, ...places },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  if (bus.stdout === null) throw new Error('unreachable');
  const [printed] = (await once(bus.stdout, 'data')) as [Buffer];
  const env = { ...places, DBUS_SESSION_BUS_ADDRESS: printed.toString().trim() };
  const start = (argv: readonly string[], input = ''): number => {
    const options = { env: { ...process.env, ...env }, input, encoding: 'utf8' } as const;
    const { stdout, status } = spawnSync('gnome-keyring-daemon', ['--components=secrets', ...argv], options);
    if (status !== 0) throw new Error(`gnome-keyring-daemon ended with ${String(status)}: ${stdout}`);
    return daemonOf(env.DBUS_SESSION_BUS_ADDRESS);
  };
  let daemon = start(['--unlock'], 'a password');
  return {
    env,
    lock: () => {
      end(daemon);
      daemon = start(['--start']);
    },
    [Symbol.dispose]: () => {
      end(daemon);
      bus.kill();
      removeDirectory(home);
    },
  };
}

/** Returns when it has ended: one that still answers would be taken for the next. */
function end(daemon: number): void {
  process.kill(daemon);
  while (!hasEnded(daemon)) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
}

/** The process that answers for the secrets, asked of the bus. */
function daemonOf(address: string): number {
  const argv = [
    '--print-reply=literal',
    '--dest=org.freedesktop.DBus',
    '/',
    'org.freedesktop.DBus.GetConnectionUnixProcessID',
  ];
  const options = { env: { ...process.env, DBUS_SESSION_BUS_ADDRESS: address }, encoding: 'utf8' } as const;
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const { stdout } = spawnSync('dbus-send', ['--session', ...argv, 'string:org.freedesktop.secrets'], options);
    const pid = Number(/uint32 (\d+)/.exec(stdout)?.[1]);
    if (pid > 0) return pid;
  }
  throw new Error('no keyring came up');
}
