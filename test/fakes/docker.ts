import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { describe } from 'vitest';
import { systemClock } from '../../src/clock.js';
import { canUseNamespaces } from './namespace.js';
import { describeWith, findPart } from './parts.js';
import { processEnded } from './processes.js';

/** Tests that run containers. Only root can, where it may make namespaces; elsewhere they are skipped, and the title says so. */
export function describeWithDocker(title: string, body: () => void): void {
  if (canUseNamespaces) describeWith(['dockerd', 'docker', 'runc', 'busybox'], title, body);
  else describe.skip(`${title} (skipped: only root on Linux can run containers)`, body);
}

/** Tests that run containers of an engine. */
export function describeWithEngine(engine: 'docker' | 'podman', title: string, body: () => void): void {
  const parts = [
    'docker',
    'runc',
    'busybox',
    'git',
    'sshd',
    ...(engine === 'docker' ? ['dockerd'] : ['podman', 'conmon']),
  ];
  if (canUseNamespaces) describeWith(parts, title, body);
  else describe.skip(`${title} (skipped: only root on Linux can run containers)`, body);
}

/** An engine of its own, that touches nothing of the machine's: no firewall rule, no image of others. */
export class Docker {
  readonly host: string;
  readonly #place: string;
  readonly #daemon: ChildProcess;
  readonly #bridge: string | undefined;
  #ended = false;

  private constructor(place: string, daemon: ChildProcess, bridge: string | undefined) {
    this.#place = place;
    this.host = `unix://${path.join(place, 'socket')}`;
    this.#daemon = daemon;
    this.#bridge = bridge;
    daemon.once('exit', () => (this.#ended = true));
  }

  /**
   * `place` is a directory of its own, on a file system that is none of a container. With `ports`, containers have a
   * network of this daemon's own, and may publish ports; in a `namespace`, of ip-netns(8), that network is the namespace's.
   */
  static async start(
    place: string,
    { ports = false, namespace }: { readonly ports?: boolean; readonly namespace?: string } = {},
  ): Promise<Docker> {
    const at = (name: string): string => path.join(place, name);
    const files = ['--data-root', at('data'), '--exec-root', at('exec'), '--pidfile', at('pid')];
    const bridge = ports ? makeBridge() : undefined;
    const apart = ['--iptables=false', '--ip6tables=false'];
    const network = namespace === undefined ? [`--bridge=${bridge ?? 'none'}`] : [];
    // Not by `ip netns exec`, which hides the cgroups.
    const inside = namespace === undefined ? [] : ['nsenter', `--net=/run/netns/${namespace}`, program('dockerd')];
    const argv = ['-H', `unix://${at('socket')}`, ...files, ...apart, ...network];
    return Docker.#serve(place, [...(inside.length > 0 ? inside : ['dockerd']), ...argv], { bridge });
  }

  /** podman in its place, which speaks the same to whoever asks. It knows no bridge that is not in the machine's settings. */
  static async startPodman(place: string, { registry }: { readonly registry?: string } = {}): Promise<Docker> {
    const at = (name: string): string => path.join(place, name);
    const files = ['--root', at('data'), '--runroot', at('run'), '--tmpdir', at('tmp'), '--storage-driver', 'vfs'];
    // It would set limits that only the first root of a machine may raise.
    writeFileSync(at('containers.conf'), '[containers]\ndefault_ulimits = []\n');
    // As Docker does of itself, it speaks plain HTTP to a registry of this machine, and asks for no signature.
    const insecure = registry === undefined ? '' : `[[registry]]\nlocation = "${registry}"\ninsecure = true\n`;
    writeFileSync(at('registries.conf'), insecure);
    const apart = ['--cgroup-manager', 'cgroupfs', '--events-backend', 'file', '--network-config-dir', at('networks')];
    const argv = ['podman', ...files, ...apart, 'system', 'service', '--time=0', `unix://${at('socket')}`];
    return Docker.#serve(place, argv, {
      env: { CONTAINERS_CONF: at('containers.conf'), CONTAINERS_REGISTRIES_CONF: at('registries.conf') },
    });
  }

  static async #serve(
    place: string,
    [daemon = '', ...argv]: readonly string[],
    { bridge, env = {} }: { readonly bridge?: string | undefined; readonly env?: NodeJS.ProcessEnv } = {},
  ): Promise<Docker> {
    const log = path.join(place, 'log');
    const out = openSync(log, 'a');
    const started = spawn(program(daemon), argv, { stdio: ['ignore', out, out], env: { ...process.env, ...env } });
    const docker = new Docker(place, started, bridge);
    for (;;) {
      if (docker.#ended) throw new Error(`${daemon} has ended:\n${readFileSync(log, 'utf8')}`);
      try {
        docker.run('version');
        return docker;
      } catch {
        await systemClock.sleep(100);
      }
    }
  }

  run(...argv: readonly string[]): string {
    return this.#feed(undefined, ...argv);
  }

  /**
   * Makes an image of programs of this machine: busybox, those that are named, and the libraries of these and of Node.
   * None can be fetched where there is no network. `changes` are lines of a Dockerfile.
   */
  importImage(name: string, { programs = ['git'], changes = [] }: ImageParts = {}): void {
    const root = mkdtempSync(path.join(this.#place, 'image-'));
    chmodSync(root, 0o755);
    const copy = (file: string): void => {
      const to = path.join(root, file);
      mkdirSync(path.dirname(to), { recursive: true });
      if (!existsSync(to)) cpSync(realpathSync(file), to);
    };
    const busybox = program('busybox');
    for (const file of [busybox, ...programs.map(program)].flatMap((each) => [each, ...librariesOf(each)])) copy(file);
    for (const library of librariesOf(realpathSync(process.execPath))) copy(library);
    for (const directory of ['bin', 'etc', 'root', 'home/dev', 'tmp', 'usr/local/bin', 'usr/local/lib', 'var/tmp']) {
      mkdirSync(path.join(root, directory), { recursive: true });
    }
    for (const applet of execFileSync(busybox, ['--list'], { encoding: 'utf8' }).trim().split('\n')) {
      if (!existsSync(path.join(root, 'bin', applet))) symlinkSync(busybox, path.join(root, 'bin', applet));
    }
    // Where scripts look for it.
    symlinkSync(busybox, path.join(root, 'usr/bin/env'));
    const accounts = { passwd, group, shadow };
    for (const [file, lines] of Object.entries(accounts)) writeFileSync(path.join(root, 'etc', file), lines);
    writeFileSync(path.join(root, 'etc/profile'), profile);
    chownSync(path.join(root, 'home/dev'), 1000, 1000);
    const tar = execFileSync('tar', ['-C', root, '-cf', '-', '.'], { maxBuffer: 1 << 30 });
    const all = ['ENV PATH=/usr/local/bin:/usr/bin:/bin', ...changes].flatMap((change) => ['--change', change]);
    this.#feed(tar, 'import', ...all, '-', name);
  }

  /** Has it and all that it runs end at once, as a power cut would. */
  async crash(): Promise<void> {
    if (this.#ended) return;
    const running = words(this.run('ps', '-q'));
    const leaders = running.length === 0 ? [] : words(this.run('inspect', '--format={{.State.Pid}}', ...running));
    const ended = once(this.#daemon, 'exit');
    this.#daemon.kill('SIGKILL');
    await ended;
    // What watches over its containers would go on, and they too.
    const watchers = words(spawnSync('pgrep', ['-f', this.#place], { encoding: 'utf8' }).stdout);
    for (const pid of [...watchers, ...leaders].map(Number).filter((each) => each > 1)) end(pid, 'SIGKILL');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#ended) {
      const containers = words(this.run('ps', '-aq'));
      if (containers.length > 0) this.run('rm', '--force', ...containers);
      const ended = once(this.#daemon, 'exit');
      this.#daemon.kill('SIGTERM');
      await ended;
    }
    if (this.#bridge !== undefined) execFileSync('ip', ['link', 'delete', this.#bridge]);
    // podman has who watched over a program stay for minutes, and what a container shared with the machine stays mounted.
    const watchers = this.#watchers();
    for (const pid of watchers) end(pid, 'SIGTERM');
    await Promise.all(watchers.map(processEnded));
    const mounts = readFileSync('/proc/self/mounts', 'utf8').matchAll(/^\S+ (\S+) /gm);
    for (const [, mount = ''] of [...mounts].reverse()) {
      if (mount.startsWith(`${this.#place}/`)) execFileSync('umount', [mount]);
    }
  }

  #watchers(): number[] {
    const { stdout } = spawnSync('pgrep', ['-f', `conmon .*${this.#place}/`], { encoding: 'utf8' });
    return words(stdout).map(Number);
  }

  #feed(input: Buffer | undefined, ...argv: readonly string[]): string {
    const stdio = [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'] as const;
    return execFileSync(program('docker'), ['-H', this.host, ...argv], {
      input,
      stdio: [...stdio],
      encoding: 'utf8',
    }).trim();
  }
}

export interface ImageParts {
  /** Default: git. */
  readonly programs?: readonly string[];
  readonly changes?: readonly string[];
}

/**
 * The account `dev` was made without a password, which locks it, and its line has no end, as an editor may leave it;
 * `daemon` has no login shell.
 */
const passwd =
  'root:x:0:0:root:/root:/bin/sh\ndaemon:x:2:2::/:/usr/sbin/nologin\n' +
  'sshd:x:100:65534::/run/sshd:/usr/sbin/nologin\ndev:x:1000:1000::/home/dev:/bin/sh';
const group = 'root:x:0:\ndaemon:x:2:\ndev:x:1000:\nnogroup:x:65534:\n';
const shadow = 'root:*:19000:0:99999:7:::\ndev:!:19000:0:99999:7:::\nsshd:!:19000:0:99999:7:::\n';

/** As Debian has it. */
const profile = `PATH=/usr/bin:/bin
export PATH
for file in /etc/profile.d/*.sh; do [ -r "$file" ] && . "$file"; done
`;

/** A network of our own: each daemon gives out the same addresses. */
function makeBridge(): string {
  const bridge = `sc${process.pid}`;
  const subnet = `10.${(process.pid >> 8) & 255}.${process.pid & 255}.1/24`;
  execFileSync('ip', ['link', 'add', bridge, 'type', 'bridge']);
  execFileSync('ip', ['address', 'add', subnet, 'dev', bridge]);
  execFileSync('ip', ['link', 'set', bridge, 'up']);
  return bridge;
}

function end(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended with another, or by itself.
  }
}

const words = (text: string): string[] => text.split(/\s+/).filter((word) => word !== '');

function program(name: string): string {
  const found = findPart(name);
  if (found === undefined) throw new Error(`there is no ${name} here`);
  return found;
}

/** The loader too. */
function librariesOf(file: string): string[] {
  return [...execFileSync('ldd', [file], { encoding: 'utf8' }).matchAll(/(\/\S+) \(0x/g)].map(
    ([, library = '']) => library,
  );
}
