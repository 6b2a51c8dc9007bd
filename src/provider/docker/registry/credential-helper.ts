import { execFile } from 'node:child_process';
import * as v from 'valibot';
import { programEnvironment } from '../../../transport/route/program-environment.js';
import type { CallOptions } from '../../provider.js';
import type { Credentials } from './credentials.js';

const answer = v.object({ Username: v.string(), Secret: v.string() });

/** How long a helper may take, in milliseconds: some of them ask the user something. */
const limitMs = 60_000;

/**
 * What docker's program for a store of passwords, `docker-credential-NAME`, has for a registry; undefined where that is
 * nothing. Throws an `Error` whose message says what is wrong with the program, and holds nothing that it printed.
 *
 * Source: https://github.com/docker/docker-credential-helpers, "Development".
 */
export async function askCredentialHelper(
  name: string,
  registry: string,
  { env, signal }: CallOptions & { readonly env: NodeJS.ProcessEnv },
): Promise<Credentials | undefined> {
  // A name that the user's configuration says, and no path.
  if (!/^[\w.-]+$/.test(name)) throw new Error('the name of the credential helper is none');
  const program = `docker-credential-${name}`;
  const said = await new Promise<string>((resolve, reject) => {
    const child = execFile(
      program,
      ['get'],
      { env: programEnvironment(env), signal, timeout: limitMs },
      (error, stdout) => {
        if (error === null) resolve(stdout);
        else if (/credentials not found/i.test(stdout)) resolve('');
        else reject(new Error(why(program, error), { cause: error }));
      },
    );
    child.stdin?.on('error', () => undefined).end(registry); // it may end before it has read that
  }).catch((error: unknown) => {
    signal?.throwIfAborted();
    throw error;
  });
  if (said === '') return undefined;
  const { Username: username, Secret: secret } = parse(program, said);
  return username === '<token>' ? { identitytoken: secret } : { username, password: secret };
}

function why(program: string, { code, killed }: { readonly code?: unknown; readonly killed?: boolean }): string {
  if (code === 'ENOENT') return `there is no ${program} on PATH`;
  return killed === true ? `${program} takes too long` : `${program} failed (${String(code)})`;
}

function parse(program: string, said: string): v.InferOutput<typeof answer> {
  try {
    return v.parse(answer, JSON.parse(said));
  } catch {
    throw new Error(`${program} answers what no credential helper does`);
  }
}
