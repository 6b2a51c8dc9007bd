import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { Docker } from './docker.js';
import { type Scratch, scratch } from './git-repo.js';

interface SwarmParts {
  readonly nodes: readonly Docker[];
  readonly place: Scratch;
  readonly namespaces: readonly string[];
  readonly bridge: string;
}

/**
 * A Docker Swarm of engines, each in a network namespace of its own, on a bridge that this machine is on, too. The first
 * is its manager.
 */
export class Swarm {
  readonly #parts: SwarmParts;

  private constructor(parts: SwarmParts) {
    this.#parts = parts;
  }

  get nodes(): readonly Docker[] {
    return this.#parts.nodes;
  }

  get manager(): Docker {
    const [manager] = this.nodes;
    if (manager === undefined) throw new Error('a swarm has a node');
    return manager;
  }

  static async start(count: number): Promise<Swarm> {
    const place = scratch('sidecar-swarm-');
    const bridge = `sw${process.pid}`;
    // Of the shared address space of RFC 6598, which nobody here uses.
    const address = (host: number): string => `100.${64 + (process.pid % 64)}.${(process.pid >> 6) & 255}.${host}`;
    ip('link', 'add', bridge, 'type', 'bridge');
    ip('address', 'add', `${address(254)}/24`, 'dev', bridge);
    ip('link', 'set', bridge, 'up');
    const nodes: Docker[] = [];
    const namespaces: string[] = [];
    for (let number = 1; number <= count; number += 1) {
      const namespace = `${bridge}n${number}`;
      namespaces.push(namespace);
      joinBridge({ namespace, bridge, link: `${bridge}v${number}`, address: `${address(number)}/24` });
      const directory = path.join(place.path, String(number));
      mkdirSync(directory);
      nodes.push(await Docker.start(directory, { namespace }));
    }
    const swarm = new Swarm({ nodes, place, namespaces, bridge });
    const own = (host: number): string[] => [`--advertise-addr=${address(host)}`, `--listen-addr=${address(host)}`];
    // So that a node that is gone is noticed in seconds.
    swarm.manager.run('swarm', 'init', ...own(1), '--dispatcher-heartbeat=1s');
    const token = swarm.manager.run('swarm', 'join-token', '--quiet', 'worker');
    for (const [index, node] of nodes.slice(1).entries()) {
      node.run('swarm', 'join', ...own(index + 2), '--token', token, `${address(1)}:2377`);
    }
    return swarm;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { nodes, place, namespaces, bridge } = this.#parts;
    for (const node of nodes) await node.crash();
    for (const namespace of namespaces) ip('netns', 'delete', namespace);
    ip('link', 'delete', bridge);
    for (const mount of mountsBelow(place.path)) execFileSync('umount', ['--lazy', mount]);
    place.remove();
  }
}

function joinBridge(at: { namespace: string; bridge: string; link: string; address: string }): void {
  const { namespace, bridge, link, address } = at;
  const inside = (...argv: string[]): void => ip('-n', namespace, ...argv);
  ip('netns', 'add', namespace);
  ip('link', 'add', link, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', namespace);
  ip('link', 'set', link, 'master', bridge, 'up');
  inside('link', 'set', 'lo', 'up');
  inside('address', 'add', address, 'dev', 'eth0');
  inside('link', 'set', 'eth0', 'up');
}

function ip(...argv: readonly string[]): void {
  execFileSync('ip', argv);
}

/** What engines that crashed have left mounted, the innermost first. */
function mountsBelow(directory: string): string[] {
  const all = readFileSync('/proc/mounts', 'utf8').split('\n');
  return all
    .map((line) => line.split(' ')[1] ?? '')
    .filter((mount) => mount.startsWith(`${directory}/`))
    .toReversed();
}
