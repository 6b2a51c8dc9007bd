import { asSidecarError, type SidecarError } from '../errors.js';
import type { Sayings } from './sayings.js';

/** The checks, in the order in which they are told, by what they are about. */
export const checkGroups = {
  here: [
    ...(['node', 'git', 'ssh'] as const),
    ...(['state.directory', 'state.space', 'config.directory'] as const),
    ...(['settings.user', 'settings.project', 'settings.environment', 'registry'] as const),
    ...(['agent', 'keys', 'daemon.socket', 'daemon', 'control_plane', 'working_tree'] as const),
  ],
  way: ['sidecar', 'address', 'name', 'port', 'host_key', 'login', 'round_trip'],
  there: [
    ...(['remote.shell', 'remote.git', 'remote.tools'] as const),
    ...(['remote.workspace', 'remote.workspace_space', 'remote.state', 'remote.state_space'] as const),
    ...(['remote.clock', 'remote.landing'] as const),
  ],
} as const;

export type CheckGroup = keyof typeof checkGroups;
export type CheckId = (typeof checkGroups)[CheckGroup][number];

/** Something said, by name and with its facts. */
export type Said = { [S in keyof Sayings]: { readonly says: S; readonly facts: Sayings[S] } }[keyof Sayings];

/** What came of a check. An error brings its own words, and its way out. */
export type Verdict =
  | ({ readonly result: 'ok' | 'warning' | 'failed' | 'skipped' } & Said)
  | { readonly result: 'warning' | 'failed'; readonly error: SidecarError }
  /** It could not be made, because of what another one found. */
  | { readonly result: 'skipped'; readonly because: CheckId };

export interface Check {
  readonly id: CheckId;
  /** Rejects with what is wrong, or with `Unmade`. */
  readonly run: () => Promise<Verdict>;
}

export type Finding = { readonly check: CheckId } & Verdict;

export const ok = <S extends keyof Sayings>(says: S, facts: Sayings[S]): Verdict => said('ok', says, facts);
export const warning = <S extends keyof Sayings>(says: S, facts: Sayings[S]): Verdict => said('warning', says, facts);
export const failed = <S extends keyof Sayings>(says: S, facts: Sayings[S]): Verdict => said('failed', says, facts);
export const skipped = <S extends keyof Sayings>(says: S, facts: Sayings[S]): Verdict => said('skipped', says, facts);

function said<S extends keyof Sayings>(result: 'ok' | 'warning' | 'failed' | 'skipped', says: S, facts: Sayings[S]) {
  return { result, says, facts } as Verdict;
}

/** Thrown by a check that needs what another one did not find. */
export class Unmade extends Error {
  constructor(readonly because: CheckId) {
    super(because);
  }
}

/** Waits for what another check finds. That one says what is wrong with it. */
export function after<T>(check: CheckId, work: Promise<T>): Promise<T> {
  return work.catch((error: unknown) => {
    throw error instanceof Unmade ? error : new Unmade(check);
  });
}

/** Thrown by what has been given up. */
export class TooSlow extends Error {
  constructor(readonly limitMs: number) {
    super(`no answer in ${limitMs} ms`);
  }
}

/** Makes the checks beside each other. Whatever happens in one is what it found. */
export async function runChecks(checks: readonly Check[]): Promise<readonly Finding[]> {
  const findings = await Promise.all(
    checks.map(async ({ id, run }): Promise<Finding> => ({ check: id, ...(await run().catch(verdictOf)) })),
  );
  const byId = new Map(findings.map((finding) => [finding.check, finding]));
  return findings.map((finding) => ('because' in finding ? { ...finding, because: rootOf(finding, byId) } : finding));
}

/** The check that a row of others which could not be made goes back to. */
function rootOf({ because }: Pick<Unmade, 'because'>, findings: ReadonlyMap<CheckId, Finding>): CheckId {
  const cause = findings.get(because);
  return cause !== undefined && 'because' in cause ? rootOf(cause, findings) : because;
}

function verdictOf(error: unknown): Verdict {
  if (error instanceof Unmade) return { result: 'skipped', because: error.because };
  if (error instanceof TooSlow) return failed('check.too_slow', { seconds: error.limitMs / 1000 });
  return { result: 'failed', error: asSidecarError(error) };
}
