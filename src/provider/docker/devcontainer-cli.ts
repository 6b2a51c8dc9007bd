import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import * as v from 'valibot';
import { SidecarError } from '../../errors.js';
import { endGroup, endWithProcess } from '../../transport/route/end-group.js';
import type { CreateOptions } from '../provider.js';

/** What `devcontainer up` has made. */
export interface UpContainer {
  readonly id: string;
  readonly user: string;
  readonly workspace: string;
}

const outcome = v.variant('outcome', [
  v.object({
    outcome: v.literal('success'),
    containerId: v.pipe(v.string(), v.regex(/^[0-9a-f]{12,64}$/)),
    remoteUser: v.pipe(v.string(), v.nonEmpty()),
    remoteWorkspaceFolder: v.pipe(v.string(), v.startsWith('/')),
  }),
  v.object({
    outcome: v.literal('error'),
    message: v.optional(v.string(), ''),
    description: v.optional(v.string(), ''),
    containerId: v.optional(v.string()),
  }),
]);

/**
 * Runs `devcontainer up` of the dev containers' own program. Throws `provider.failed` where it is not installed, or
 * fails, with `maybeApplied`: it may have made a container first.
 */
export async function devContainerUp(
  args: readonly string[],
  { env, cwd }: { readonly env: NodeJS.ProcessEnv; readonly cwd: string },
  { progress, signal }: CreateOptions,
): Promise<UpContainer> {
  const [program, ...before] = programIn(env);
  const dockerPath = isIn(env, 'docker') || !isIn(env, 'podman') ? [] : ['--docker-path', 'podman'];
  const argv = [...before, 'up', ...dockerPath, ...args];
  const child = spawn(program, argv, { env, cwd, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  endWithProcess(child);
  const onAbort = (): void => void endGroup(child);
  signal?.addEventListener('abort', onAbort, { once: true });
  let last = '';
  let said = '';
  createInterface({ input: child.stdout }).on('line', (line) => (last = line));
  createInterface({ input: child.stderr }).on('line', (line) => {
    said = line;
    progress?.(line);
  });
  try {
    await once(child, 'close');
  } catch (error) {
    throw notInstalled(error);
  } finally {
    signal?.removeEventListener('abort', onAbort);
    await endGroup(child);
  }
  signal?.throwIfAborted();
  const answer = v.safeParse(outcome, jsonOf(last));
  if (answer.success && answer.output.outcome === 'success') {
    const { containerId, remoteUser, remoteWorkspaceFolder } = answer.output;
    return { id: containerId, user: remoteUser, workspace: remoteWorkspaceFolder };
  }
  if (before.length > 0 && !answer.success) throw notInstalled(undefined);
  const told =
    answer.success && answer.output.outcome === 'error' ? [answer.output.description, answer.output.message] : [];
  const reason =
    [...told, said, `it ended with exit code ${child.exitCode ?? 'unknown'}`].find((each) => each !== '') ?? '';
  throw new SidecarError(
    'provider.failed',
    {
      reason: `\`devcontainer up\` failed: ${reason.slice(0, 500)}`,
      maybeApplied: true,
    },
    { retryable: false },
  );
}

/** The user's own, or the project's. Nothing is fetched. */
function programIn(env: NodeJS.ProcessEnv): readonly [string, ...string[]] {
  return isIn(env, 'devcontainer') ? ['devcontainer'] : ['npx', '--no-install', '@devcontainers/cli'];
}

function isIn(env: NodeJS.ProcessEnv, program: string): boolean {
  return (env['PATH'] ?? '').split(path.delimiter).some((directory) => {
    try {
      accessSync(path.join(directory, program), constants.X_OK);
      return directory !== '';
    } catch {
      return false;
    }
  });
}

function notInstalled(cause: unknown): SidecarError {
  const reason = 'the program of dev containers is not installed';
  const suggestion = 'install it with `npm install --global @devcontainers/cli`';
  return new SidecarError('provider.failed', { reason, suggestion }, { cause, retryable: false });
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
