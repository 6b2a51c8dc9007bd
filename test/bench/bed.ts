import { mkdir, mkdtemp, readdir, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { userEnv } from '../fakes/git-repo.js';
import { findPart } from '../fakes/parts.js';
import { makeKey, type MadeKey } from '../fakes/ssh-keys.js';
import { sshdParts, startSshd, type Sshd } from '../fakes/sshd.js';

/** What every contender works with: a machine behind a real sshd on loopback, a user who may log in, and room. */
export interface Bed extends AsyncDisposable {
  readonly sshd: Sshd;
  /** The user's key. */
  readonly key: MadeKey;
  /** A file that holds the machine's host key, as ssh reads it, under the name `machineName`. */
  readonly knownHosts: string;
  /** The home directory on the machine. */
  readonly farHome: string;
  /** The user on this side: an empty home, and nothing of the git configuration here. */
  readonly env: NodeJS.ProcessEnv;
  /** A new empty directory on this side, `…/name` in a place of its own. */
  directory(name: string): Promise<string>;
}

/** What ssh knows the machine by, whatever port it is reached at. */
export const machineName = 'bench-machine';

/** The programs that every run needs and that are not on this machine. */
export function missingParts(): string[] {
  return [...sshdParts, 'ssh', 'git'].filter((part) => findPart(part) === undefined);
}

/** Whatever it made is gone once it is disposed of: the server, the connections to it, every file. */
export async function makeBed(): Promise<Bed> {
  const root = await realpath(await mkdtemp(path.join(tmpdir(), 'sidecar-bench-')));
  try {
    const directory = async (name: string): Promise<string> => {
      const made = path.join(await mkdtemp(path.join(root, 'in-')), name);
      await mkdir(made);
      return made;
    };
    const keys = await directory('keys');
    const farHome = await directory('far');
    const key = await makeKey(keys, 'own');
    const hostKey = await makeKey(keys, 'host');
    const sshd = await startSshd({ authorizedKeys: [key.line], hostKey, home: farHome });
    const knownHosts = path.join(keys, 'known_hosts');
    await writeFile(knownHosts, `${machineName} ${sshd.hostKeyLine}\n`);
    return {
      sshd,
      key,
      knownHosts,
      farHome,
      env: userEnv(await directory('home')),
      directory,
      [Symbol.asyncDispose]: async () => {
        await sshd.stop();
        await removeTree(root);
      },
    };
  } catch (error) {
    await removeTree(root);
    throw error;
  }
}

/** Empties the home directory on the machine. */
export async function emptyFarHome({ farHome }: Bed): Promise<void> {
  for (const name of await readdir(farHome)) await removeTree(path.join(farHome, name));
}

/** A command that was just cut off may still write for a moment. */
export async function removeTree(directory: string): Promise<void> {
  await rm(directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
}
