import type { Clock } from '../clock.js';
import { SidecarError } from '../errors.js';
import type { ObjectFormat } from '../git/working-tree.js';
import { Conversation } from '../sync/conversation.js';
import { badReply } from '../sync/hello.js';
import { pathLimit, shortened } from '../sync/limits.js';
import type { Transport } from '../transport/transport.js';
import type { Space } from './space.js';

/** What a shell on the sidecar says of it. */
export interface There {
  /** The login shell. */
  readonly shell: string;
  /** What `git version` printed; absent where there is no git. */
  readonly git?: string;
  readonly missingTools: readonly string[];
  /** Absent where there is no home directory; then nothing more is known. */
  readonly places?: Places;
  /** How far the clock there is ahead of the one here, in milliseconds, to the second. */
  readonly skewMs: number;
  readonly roundTripMs: number;
}

export interface Places {
  readonly workspace: {
    /** Absolute, links resolved; as it was asked for where something is in its way. */
    readonly path: string;
    /** Whether something that is no directory, or cannot be entered, is in its way. */
    readonly obstructed: boolean;
    /** Why it cannot be a workspace. */
    readonly forbidden?: string;
    /** The directory that cannot be written: itself, or the one that it would be made in. */
    readonly unwritable?: string;
    /** What is in it; absent where it does not exist. */
    readonly holds?: 'nothing' | 'repository' | 'files';
    /** Whether anything has landed there. */
    readonly landed: boolean;
    readonly space?: Space;
  };
  readonly state: {
    readonly path: string;
    /** Why it cannot be written to. */
    readonly unwritable?: string;
    readonly space?: Space;
  };
  /** The lock of a landing, and whether its holder still lives, as far as that can be told. */
  readonly lock?: { readonly pid: string; readonly holder: 'alive' | 'gone' | 'elsewhere' };
}

/** A listing of df has two lines, everything else one. */
const mostAnswers = 200;
const timesAsked = 3;

/**
 * Looks round on the sidecar, over a session that is open. Throws `ssh.channel_refused`, `sync.remote_failed` and
 * `sync.bad_reply` where no shell there can be talked to.
 */
export async function lookThere(
  transport: Transport,
  options: {
    readonly format: ObjectFormat;
    /** As `workspacePath` gives it. */
    readonly workspace: string;
    readonly clock: Clock;
    readonly timeOfDay: () => number;
    readonly signal: AbortSignal;
  },
): Promise<There> {
  const { format, workspace, clock, timeOfDay, signal } = options;
  const conversation = await Conversation.start(transport, signal, clock, 'doctor');
  try {
    conversation.ask(`examine ${format} ${workspace}`);
    const facts = await hearFacts(conversation);
    const roundTripMs = Math.min(...(await roundTrips(conversation, clock)));
    conversation.ask('time');
    const time = await expect(conversation, 'time');
    // To the second: on average, half of one has passed.
    const skewMs = /^\d{1,12}$/.test(time) ? Number(time) * 1000 + 500 - timeOfDay() : 0;
    return { ...understand(facts, workspace), roundTripMs, skewMs };
  } finally {
    await conversation.close();
  }
}

async function roundTrips(conversation: Conversation, clock: Clock): Promise<readonly number[]> {
  const took: number[] = [];
  while (took.length < timesAsked) {
    const askedMs = clock.now();
    conversation.ask('ping');
    await expect(conversation, 'pong');
    took.push(clock.now() - askedMs);
  }
  return took;
}

/** What follows the one word that may come next. */
async function expect(conversation: Conversation, expected: string): Promise<string> {
  const { word, rest } = await conversation.answer();
  if (word !== expected) throw badReply(`an unexpected word, ${word.slice(0, 40)}`);
  return rest;
}

/** Each word that was said, with what was said after it, in order. */
export type SaidThere = ReadonlyMap<string, readonly string[]>;

async function hearFacts(conversation: Conversation): Promise<SaidThere> {
  const said = new Map<string, string[]>();
  for (let heard = 0; heard < mostAnswers; heard += 1) {
    const { word, rest } = await conversation.answer();
    if (word === 'end') return said;
    if (word === 'error') throw new SidecarError('sync.remote_failed', { reason: shortened(readable(rest)) });
    said.set(word, [...(said.get(word) ?? []), readable(rest)]);
  }
  throw badReply('more than it was asked for');
}

const readable = (bytes: string): string => Buffer.from(bytes.slice(0, pathLimit), 'latin1').toString('utf8');

function understand(said: SaidThere, wanted: string): Omit<There, 'skewMs' | 'roundTripMs'> {
  const first = (word: string): string | undefined => said.get(word)?.[0];
  const git = first('git');
  const places = first('home') === undefined ? undefined : understandPlaces(said, wanted);
  return {
    shell: first('shell') ?? 'sh',
    ...(git === undefined ? {} : { git }),
    missingTools: (first('missing') ?? '').split(' ').filter((tool) => tool !== ''),
    ...(places === undefined ? {} : { places }),
  };
}

function understandPlaces(said: SaidThere, wanted: string): Places {
  const first = (word: string): string | undefined => said.get(word)?.[0];
  const optional = <K extends string>(key: K, value: string | undefined) =>
    (value === undefined ? {} : { [key]: value }) as Partial<Record<K, string>>;
  const holds = first('holds');
  const obstructed = first('obstructed');
  const path = first('workspace') ?? obstructed ?? wanted;
  const [, holder, pid] = /^(alive|gone|elsewhere) (\d{1,10})$/.exec(first('lock') ?? '') ?? [];
  return {
    workspace: {
      ...{ path, obstructed: obstructed !== undefined, landed: first('landed') !== undefined },
      ...optional('forbidden', first('forbidden')),
      ...optional('unwritable', first('unwritable')),
      ...(holds === 'nothing' || holds === 'repository' || holds === 'files' ? { holds } : {}),
      ...spaceOf(said, 'workspace', path),
    },
    state: {
      path: first('state') ?? '',
      ...optional('unwritable', first('unwritable-state')),
      ...spaceOf(said, 'state', first('state') ?? ''),
    },
    ...(pid === undefined ? {} : { lock: { pid, holder: holder as 'alive' | 'gone' | 'elsewhere' } }),
  };
}

function spaceOf(said: SaidThere, place: string, path: string): { readonly space?: Space } {
  const kilobytes = available(said.get(`bytes-${place}`) ?? []);
  const inodes = available(said.get(`inodes-${place}`) ?? []);
  if (kilobytes === undefined) return {};
  return { space: { path, freeBytes: kilobytes * 1024, ...(inodes === undefined ? {} : { freeInodes: inodes }) } };
}

/**
 * What is free by the last line of `df -P`, whose first column may hold spaces: the total, what is used, what is free, and
 * how full that is. A file system that does not count says `0 0 0 -`.
 */
export function available(lines: readonly string[]): number | undefined {
  const [, total, free] = /\s(\d{1,18})\s+\d{1,18}\s+(-?\d{1,18})\s+(?:\d+%|-)\s/.exec(lines.at(-1) ?? '') ?? [];
  if (total === undefined || free === undefined || Number(total) === 0) return undefined;
  return Math.max(0, Number(free));
}
