import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdirSync,
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

/** Tests that run containers. Only root can, where it may make namespaces; elsewhere they are skipped, and the title says so. */
export function describeWithDocker(title: string, body: () => void): void {
  if (canUseNamespaces) describeWith(['dockerd', 'docker', 'runc', 'busybox'], title, body);
  else describe.skip(`${title} (skipped: only root on Linux can run containers)`, body);
}

/** A Docker daemon of its own, that touches nothing of the machine's: no firewall rule, no image of others. */
export class Docker {
  readonly host: string;
  readonly #place: string;
  readonly #daemon: ChildProcess;
  #ended = false;

  private constructor(place: string, daemon: ChildProcess) {
    this.#place = place;
    this.host = `unix://${path.join(place, 'socket')}`;
    this.#daemon = daemon;
    daemon.once('exit', () => (this.#ended = true));
  }

  /** `place` is a directory of its own, on a file system that is none of a container. */
  static async start(place: string): Promise<Docker> {
    const at = (name: string): string => path.join(place, name);
    const log = openSync(at('log'), 'a');
    const argv = [
      '-H',
      `unix://${at('socket')}`,
      '--data-root',
      at('data'),
      '--exec-root',
      at('exec'),
      '--pidfile',
      at('pid'),
    ];
    const apart = ['--iptables=false', '--ip6tables=false', '--bridge=none'];
    const docker = new Docker(place, spawn(program('dockerd'), [...argv, ...apart], { stdio: ['ignore', log, log] }));
    for (;;) {
      if (docker.#ended) throw new Error(`dockerd has ended:\n${readFileSync(at('log'), 'utf8')}`);
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
   * Makes an image of programs of this machine: busybox, git and the libraries of these and of Node. None can be fetched
   * where there is no network.
   */
  importImage(name: string): void {
    const root = path.join(this.#place, 'image');
    const copy = (file: string): void => {
      const to = path.join(root, file);
      mkdirSync(path.dirname(to), { recursive: true });
      if (!existsSync(to)) cpSync(realpathSync(file), to);
    };
    const [busybox, git] = [program('busybox'), program('git')];
    for (const file of [busybox, git].flatMap((each) => [each, ...librariesOf(each)])) copy(file);
    for (const library of librariesOf(realpathSync(process.execPath))) copy(library);
    for (const directory of ['bin', 'etc', 'root', 'tmp', 'usr/local/bin', 'usr/local/lib', 'var/tmp']) {
      mkdirSync(path.join(root, directory), { recursive: true });
    }
    for (const applet of execFileSync(busybox, ['--list'], { encoding: 'utf8' }).trim().split('\n')) {
      if (!existsSync(path.join(root, 'bin', applet))) symlinkSync(busybox, path.join(root, 'bin', applet));
    }
    // Where scripts look for it.
    symlinkSync(busybox, path.join(root, 'usr/bin/env'));
    writeFileSync(path.join(root, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\n');
    writeFileSync(path.join(root, 'etc/group'), 'root:x:0:\n');
    const tar = execFileSync('tar', ['-C', root, '-cf', '-', '.'], { maxBuffer: 1 << 30 });
    this.#feed(tar, 'import', '--change', 'ENV PATH=/usr/local/bin:/usr/bin:/bin', '-', name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const containers = this.run('ps', '-aq')
      .split('\n')
      .filter((id) => id !== '');
    if (containers.length > 0) this.run('rm', '--force', ...containers);
    if (this.#ended) return;
    const ended = once(this.#daemon, 'exit');
    this.#daemon.kill('SIGTERM');
    await ended;
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
