import path from 'node:path';
import type { Command, Contender, Start, Syncing } from '../contender.js';
import { run } from '../run.js';

/** The built program. `npm run` starts everything at the root of the package. */
export const program = path.resolve('dist/cmd/sidecar.js');

/** What is read of `sync --json`. */
interface SyncDocument {
  readonly workspace: string;
  readonly verified: boolean;
  readonly ms: Readonly<Record<'total' | 'snapshot' | 'connect' | 'transfer' | 'apply', number>>;
}

/** What is read of `daemon status --json`. */
interface DaemonDocument {
  readonly running: boolean;
  readonly pid?: number;
  readonly requests?: number;
}

/** Cold: a process and a connection of its own for each sync. */
export const sidecar: Contender = {
  name: 'sidecar',
  comparedWith: 'sidecar',
  needs: ['git'],
  async begin(start) {
    const client = await Client.of(start);
    return { command: client.command('sync', '--no-daemon', '--json'), partsMs: partsOf(start) };
  },
};

/** Warm: with the daemon, which a first sync starts. */
export const sidecarWarm: Contender = {
  name: 'sidecar-warm',
  comparedWith: 'sidecar-warm',
  needs: ['git'],
  async begin(start) {
    const client = await Client.of(start);
    return {
      command: client.command('sync', '--json'),
      partsMs: partsOf(start),
      // Whoever syncs by hand does so later than this.
      prepare: () => client.daemonRests(),
      residents: async () => {
        const { pid } = await client.daemon();
        return pid === undefined ? [] : [pid];
      },
      // Also when everything is being broken off.
      stop: async () => {
        const { args, env = {} } = client.command('daemon', 'stop');
        await run(start.node, args, { cwd: '/', env, signal: new AbortController().signal });
      },
    };
  },
};

/** The program, with a machine added and a state directory of its own. */
class Client {
  readonly #start: Start;

  private constructor(start: Start) {
    this.#start = start;
  }

  static async of(start: Start): Promise<Client> {
    const { bed, host, port, workspace } = start;
    const { sshd, key } = bed;
    const client = new Client(start);
    const login = ['--identity', key.path, '--host-key', sshd.hostKeyLine];
    await client.run('add', 'bench', `${sshd.user}@${host}:${port}`, ...login, '--workdir', workspace);
    return client;
  }

  command(...argv: string[]): Command {
    const { bed, keep, node } = this.#start;
    return { program: node, args: [program, ...argv], env: { ...bed.env, SIDECAR_HOME: keep } };
  }

  async run(...argv: string[]): Promise<string> {
    const { args, env = {} } = this.command(...argv);
    const { project, node, signal } = this.#start;
    return (await run(node, args, { cwd: project.root, env, signal })).stdout;
  }

  async daemon(): Promise<DaemonDocument> {
    return JSON.parse(await this.run('daemon', 'status', '--json')) as DaemonDocument;
  }

  async daemonRests(): Promise<void> {
    while (((await this.daemon()).requests ?? 0) > 0);
  }
}

const partsOf =
  ({ workspace }: Start): NonNullable<Syncing['partsMs']> =>
  (stdout, wallMs) => {
    const { verified, ms, ...said } = JSON.parse(stdout) as SyncDocument;
    if (!verified || said.workspace !== workspace) throw new Error(`sync did something else:\n${stdout}`);
    const { total, ...parts } = ms;
    return { 'start and end of the process': wallMs - total, sync: total, ...parts };
  };
