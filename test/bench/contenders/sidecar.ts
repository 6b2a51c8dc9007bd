import path from 'node:path';
import type { Contender } from '../contender.js';
import { run } from '../run.js';

/** The built program. `npm run` starts everything at the root of the package. */
export const program = path.resolve('dist/cmd/sidecar.js');

/** What is read of `sync --json`. */
interface SyncDocument {
  readonly workspace: string;
  readonly verified: boolean;
  readonly ms: Readonly<Record<'total' | 'snapshot' | 'connect' | 'transfer' | 'apply', number>>;
}

/** Cold: a process and a connection of its own for each sync. */
export const sidecar: Contender = {
  name: 'sidecar',
  needs: ['git'],
  async begin({ bed, project, host, port, workspace, keep, node, signal }) {
    const { sshd, key } = bed;
    const env = { ...bed.env, SIDECAR_HOME: keep };
    const login = ['--identity', key.path, '--host-key', sshd.hostKeyLine];
    const add = ['add', 'bench', `${sshd.user}@${host}:${port}`, ...login, '--workdir', workspace];
    await run(node, [program, ...add], { cwd: project.root, env, signal });
    return {
      command: { program: node, args: [program, 'sync', '--no-daemon', '--json'], env },
      partsMs(stdout, wallMs) {
        const { verified, ms, ...said } = JSON.parse(stdout) as SyncDocument;
        if (!verified || said.workspace !== workspace) throw new Error(`sync did something else:\n${stdout}`);
        const { total, ...parts } = ms;
        return { 'start and end of the process': wallMs - total, sync: total, ...parts };
      },
    };
  },
};
