import { homedir } from 'node:os';
import { systemClock, type Clock } from '../clock.js';
import type { WorkingTree } from '../git/working-tree.js';
import { stateHome } from '../sidecars/home.js';
import { runChecks, type Check, type Finding } from './check.js';
import { chooseSidecar } from './choice.js';
import { controlPlaneCheck } from './control-plane.js';
import { daemonChecks } from './daemon.js';
import { keyChecks } from './keys.js';
import { stepLimit } from './limit.js';
import type { Patient } from './patient.js';
import { placeChecks } from './places.js';
import { programChecks } from './programs.js';
import { recordChecks } from './records.js';
import { thereChecks } from './there-checks.js';
import { quiet, wayTo } from './way.js';
import { wayChecks } from './way-checks.js';
import { workingTreeCheck } from './working-tree.js';

/** Whom to examine. What is left out is the real one. */
export interface DoctorRequest extends Pick<
  Patient,
  'env' | 'directory' | 'sidecar' | 'daemonBuild' | 'askPassphrase' | 'finishing'
> {
  readonly homeDir?: string;
  readonly platform?: NodeJS.Platform;
  readonly clock?: Clock;
  readonly timeOfDay?: () => number;
  readonly signal?: AbortSignal;
}

/** What an examination found, in the order of `checkGroups`. */
export interface Examination {
  /** The sidecar that was looked at, if there is one. */
  readonly sidecar: string | null;
  readonly findings: readonly Finding[];
}

/**
 * Looks for whatever could keep commands from working: on this machine, on the way to the sidecar, and over there. Whatever
 * is broken is a finding, and what does not depend on it is examined all the same. The sidecar is tried once, and nothing
 * takes longer than some 10 s. Nothing is changed, and a machine that is stopped is not started.
 *
 * Throws only the signal's reason.
 */
export async function examine(request: DoctorRequest): Promise<Examination> {
  const patient = patientOf(request);
  const limit = stepLimit(patient);
  const tree = quiet(limit(treeOf(patient)));
  const choice = quiet(chooseSidecar(patient, tree));
  const way = wayTo(patient, { tree, choice, limit });
  const chosen = quiet(choice.then(({ record }) => record));
  const checks: readonly Check[] = [
    ...programChecks(patient, limit),
    ...placeChecks(patient, limit),
    ...recordChecks(patient, limit),
    ...keyChecks(patient, { limit, chosen }),
    ...daemonChecks(patient, limit),
    controlPlaneCheck(patient, { limit, chosen }),
    workingTreeCheck(patient, { limit, tree }),
    ...wayChecks(way, limit),
    ...thereChecks(way.there),
  ];
  try {
    const findings = await runChecks(checks);
    patient.signal.throwIfAborted();
    return { sidecar: (await chosen)?.name ?? null, findings };
  } finally {
    const attempt = await way.attempt.catch(() => undefined);
    if (attempt?.reached === 'session') await attempt.transport.close();
  }
}

function patientOf(request: DoctorRequest): Patient {
  const { env, homeDir = homedir(), platform = process.platform } = request;
  return {
    clock: systemClock,
    timeOfDay: Date.now,
    signal: new AbortController().signal,
    ...request,
    ...{ homeDir, platform, home: stateHome({ env, platform, homeDir }) },
  };
}

async function treeOf({ directory, env, signal }: Patient): Promise<WorkingTree> {
  const { findWorkingTree } = await import('../git/working-tree.js');
  return findWorkingTree(directory, { env, signal });
}
