import { SidecarError } from '../errors.js';
import type { WorkingTree } from '../git/working-tree.js';
import { workspaceOf } from '../landing.js';
import { localServerEntry } from '../provider/local/entry.js';
import { Registry } from '../sidecars/registry.js';
import { registryStore } from '../sidecars/registry-file.js';
import { aboutSidecar } from '../sidecars/about.js';
import type { SidecarRecord } from '../sidecars/record.js';
import type { SshTarget } from '../transport/target.js';
import type { Transport } from '../transport/transport.js';
import { after, Unmade } from './check.js';
import type { Choice } from './choice.js';
import { tryToConnect, type Attempt } from './connection.js';
import type { Limit } from './limit.js';
import type { Patient } from './patient.js';
import { lookThere, type There } from './there.js';

/** The steps of the way to the sidecar, each of which waits for the one before. */
export interface Way {
  readonly choice: Promise<Choice>;
  readonly target: Promise<SshTarget>;
  readonly attempt: Promise<Attempt>;
  readonly there: Promise<There>;
}

interface Around {
  readonly tree: Promise<WorkingTree>;
  readonly choice: Promise<Choice>;
  readonly limit: Limit;
}

/** Goes it, once. Whoever is done with it closes the session that it came to. */
export function wayTo(patient: Patient, around: Around): Way {
  const { choice, limit } = around;
  const about = async <T>(work: (record: SidecarRecord) => Promise<T>): Promise<T> => {
    const { record } = await choice;
    if (record === undefined) throw new Unmade('sidecar');
    return aboutSidecar(record.name, () => work(record));
  };
  const target = quiet(about((record) => limit(targetOf(patient, record))));
  const attempt = quiet(
    about(async ({ name }) => named(await tryToConnect(await after('address', target), patient), name)),
  );
  const there = quiet(
    about(async (record) => {
      const found = await after('login', attempt);
      if (found.reached !== 'session') throw new Unmade('login');
      return limit(look(found.transport, { patient, record, around }));
    }),
  );
  return { choice, target, attempt, there };
}

async function targetOf(patient: Patient, record: SidecarRecord): Promise<SshTarget> {
  const { home, env, homeDir, clock, finishing } = patient;
  const { locator } = await import('../provider/providers.js');
  const registry = new Registry(registryStore(home.stateDir));
  const deps = { ...home, env, homeDir, clock, finishing, serverEntry: localServerEntry() };
  return locator({ ...deps, registry }).target(record, { signal: patient.signal, wake: false, learn: false });
}

/** Has the words of an error say which sidecar it is about. */
function named(attempt: Attempt, sidecar: string): Attempt {
  if (attempt.reached === 'session') return attempt;
  const { code, facts } = attempt.error;
  return { ...attempt, error: new SidecarError(code, { ...facts, sidecar }, { cause: attempt.error }) };
}

async function look(
  transport: Transport,
  { patient, record, around }: { readonly patient: Patient; readonly record: SidecarRecord; readonly around: Around },
): Promise<There> {
  const { clock, timeOfDay, signal, directory } = patient;
  const { workspacePath } = await import('../sync/workspace.js');
  const { root, format } = await around.tree.catch(() => ({ root: directory, format: 'sha1' as const }));
  const { settings } = await around.choice;
  const workdir = settings === undefined ? record.workdir : workspaceOf(record, settings);
  return lookThere(transport, { format, workspace: workspacePath(root, workdir), clock, timeOfDay, signal });
}

/** Whoever waits for it hears of its failure, and nobody may. */
export function quiet<T>(work: Promise<T>): Promise<T> {
  work.catch(() => undefined);
  return work;
}
