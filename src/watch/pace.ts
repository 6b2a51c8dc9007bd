import type { GitWork } from '../git/at-work.js';
import { both, type Change } from './change.js';

/**
 * When to land. Pure: a watch feeds it what happens, and obeys the state that it is in.
 *
 *            told             due              land
 *   idle ──────────▶ settling ────▶ judging ──────────▶ landing ──▶ idle, or settling when told meanwhile
 *     ▲                              │ │  ▲                │
 *     │           nothing to land    │ │  │ due            │ failed
 *     └──────────────────────────────┘ ▼  │                ▼
 *                                      held             failed ──due──▶ judging
 *                                (git is at work)
 *
 * Told of a change in any state, the watch never forgets it: `settling`, `held` and `failed` take it in, `judging` and
 * `landing` keep it for `later`.
 */
export type Pace =
  | { readonly kind: 'idle' }
  /** Something changed, and more may follow, within `quietMs`. */
  | {
      readonly kind: 'settling';
      readonly change: Change;
      readonly sinceMs: number;
      readonly lastMs: number;
      readonly quietMs: number;
    }
  /** Being asked: is git at work, and does the change matter? */
  | { readonly kind: 'judging'; readonly change: Change; readonly wait?: Wait; readonly later?: Later }
  /** git is changing the tree: its end state is what lands. */
  | { readonly kind: 'held'; readonly change: Change; readonly wait: Wait; readonly lookMs: number }
  | { readonly kind: 'landing'; readonly change: Change; readonly despite?: GitWork; readonly later?: Later }
  /** The landing failed in a way that may pass. Not before `soonestMs` again, however much changes. */
  | { readonly kind: 'failed'; readonly change: Change; readonly retryMs: number; readonly soonestMs: number };

/** How long git has been waited for, and when something last changed meanwhile. */
interface Wait {
  readonly sinceMs: number;
  readonly lastMs: number;
}

/** What was told while nothing could be done about it. */
interface Later {
  readonly change: Change;
  readonly sinceMs: number;
  readonly lastMs: number;
}

export type Verdict =
  { readonly kind: 'land' } | { readonly kind: 'nothing' } | { readonly kind: 'git'; readonly work: GitWork };

type In<K extends Pace['kind']> = Extract<Pace, { kind: K }>;

/** The first change is mostly the only one: an editor needs no longer to put a new file in the place of the old one. */
const firstQuietMs = 20;
/** So long without another change is the end of a burst. A little more than the events themselves are held together. */
const quietMs = 60;
/** Writes without end land all the same. */
const burstMs = 1_000;
/** How often git is looked at while it works. */
const gitLookMs = 50;
/** A lock beside which nothing happens for so long was left behind, or is held while somebody types a message. */
const gitQuietMs = 10_000;
/** And no work of git is waited for any longer. */
const gitWorkMs = 120_000;
/** A landing that failed for what changes all the time must not fail ten times in a second. */
const failurePauseMs = 1_000;

/** Something changed. */
export function told(pace: Pace, change: Change, nowMs: number): Pace {
  switch (pace.kind) {
    case 'idle':
      return { kind: 'settling', change, sinceMs: nowMs, lastMs: nowMs, quietMs: firstQuietMs };
    case 'settling':
      if (!isSign(change)) return { ...pace, change: both(pace.change, change) };
      return { ...pace, change: both(pace.change, change), lastMs: nowMs, quietMs };
    case 'held': {
      const wait = isSign(change) ? { ...pace.wait, lastMs: nowMs } : pace.wait;
      return { ...pace, change: both(pace.change, change), wait };
    }
    case 'judging':
    case 'landing':
      return { ...pace, later: added(pace.later, change, nowMs) };
    case 'failed': {
      if (!isSign(change)) return pace;
      const retryMs = Math.min(pace.retryMs, Math.max(pace.soonestMs, nowMs + quietMs));
      return { ...pace, change: both(pace.change, change), retryMs };
    }
  }
}

/** When the state ends by itself; undefined when it does not. */
export function dueMs(pace: Pace): number | undefined {
  switch (pace.kind) {
    case 'settling':
      return Math.min(pace.lastMs + pace.quietMs, pace.sinceMs + burstMs);
    case 'held':
      return pace.lookMs;
    case 'failed':
      return pace.retryMs;
    case 'idle':
    case 'judging':
    case 'landing':
      return undefined;
  }
}

/** That time has come. */
export function due(pace: In<'settling' | 'held' | 'failed'>): In<'judging'> {
  const { change } = pace;
  return pace.kind === 'held' ? { kind: 'judging', change, wait: pace.wait } : { kind: 'judging', change };
}

export function judged(pace: Pace, verdict: Verdict, nowMs: number): Pace {
  const { change, wait, later } = expect(pace, 'judging');
  switch (verdict.kind) {
    case 'nothing':
      return settle(later);
    case 'land':
      return { kind: 'landing', change, ...(later === undefined ? {} : { later }) };
    case 'git': {
      const sinceMs = wait?.sinceMs ?? nowMs;
      const lastMs = (isSeen(later) ? later.lastMs : wait?.lastMs) ?? nowMs;
      const all = later === undefined ? change : both(change, later.change);
      if (nowMs - lastMs >= gitQuietMs || nowMs - sinceMs >= gitWorkMs) {
        return { kind: 'landing', change: all, despite: verdict.work };
      }
      return { kind: 'held', change: all, wait: { sinceMs, lastMs }, lookMs: nowMs + gitLookMs };
    }
  }
}

export function landed(pace: Pace): Pace {
  return settle(expect(pace, 'landing').later);
}

/** The landing failed, and is tried again after `pauseMs`, or when something changes. */
export function failed(pace: Pace, pauseMs: number, nowMs: number): Pace {
  const soonestMs = nowMs + failurePauseMs;
  const { change, later } = expect(pace, 'landing');
  const retryMs = isSeen(later) ? soonestMs : nowMs + pauseMs;
  // What did not land is still to land, whatever was known of it.
  const still: Change = change.kind === 'lost' ? change : { kind: 'due' };
  const all = later === undefined ? still : both(still, later.change);
  return { kind: 'failed', change: all, retryMs: Math.max(retryMs, soonestMs), soonestMs };
}

/** Where a watch begins: everything is to be landed. */
export const beginning: Pace = { kind: 'judging', change: { kind: 'due' } };

/** That nobody knows whether something changed is no sign that something did. */
const isSign = (change: Change): boolean => change.kind !== 'unseen';

const isSeen = (later: Later | undefined): later is Later => later !== undefined && isSign(later.change);

function settle(later: Later | undefined): Pace {
  return later === undefined ? { kind: 'idle' } : { kind: 'settling', ...later, quietMs };
}

function added(later: Later | undefined, change: Change, nowMs: number): Later {
  if (later === undefined) return { change, sinceMs: nowMs, lastMs: nowMs };
  return { ...later, change: both(later.change, change), lastMs: nowMs };
}

function expect<K extends Pace['kind']>(pace: Pace, kind: K): In<K> {
  if (pace.kind !== kind) throw new Error(`a watch that is ${pace.kind} cannot end ${kind}`);
  return pace as In<K>;
}
