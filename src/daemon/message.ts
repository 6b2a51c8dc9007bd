import * as v from 'valibot';
import type { SidecarEvent } from '../events.js';
import type { SyncResult } from '../sync/result.js';
import type { Build } from './build.js';
import type { DaemonStatus } from './status.js';

/**
 * What client and daemon say to each other: one JSON document a line, one request a connection. The client says what it
 * wants in its first line, and hears `hello` at once; then whatever goes on, with a sign of life now and then (see
 * signs-of-life.ts); and last `result` or `error`, or `opened`, and then frames (see channel/). A client that hangs up
 * wants it no more.
 */

/** Of whom the client works for. */
const caller = {
  /** The client's environment: settings, the ssh-agent, what git and ssh are started with. */
  env: v.record(v.string(), v.string()),
  homeDir: v.string(),
};

const landing = {
  ...caller,
  asked: v.strictObject({
    directory: v.string(),
    sidecar: v.optional(v.string()),
    drift: v.optional(v.string()),
    connectTimeout: v.optional(v.string()),
    adopt: v.optional(v.boolean()),
  }),
};

const syncing = { dryRun: v.boolean(), history: v.boolean() };

const terminal = v.strictObject({
  term: v.string(),
  columns: v.number(),
  rows: v.number(),
  modes: v.record(v.string(), v.number()),
});

const request = v.variant('command', [
  v.strictObject({ command: v.literal('sync'), ...landing, ...syncing, canAsk: v.boolean() }),
  /** Opens the session, and closes nothing. */
  v.strictObject({ command: v.literal('wait'), ...landing, canAsk: v.boolean() }),
  /** Starts a command line under the login shell of the sidecar. Answered `opened`. */
  v.strictObject({
    command: v.literal('exec'),
    ...landing,
    canAsk: v.boolean(),
    line: v.string(),
    terminal: v.optional(terminal),
  }),
  /**
   * Gets ready for the next sync, beside one that goes without the daemon: opens the session, and once that sync has
   * landed, `prepare`s the rest. Answered when the session is open, cannot be opened, or takes its time.
   */
  v.strictObject({ command: v.literal('warm'), ...landing, prepare: v.boolean() }),
  /** A sidecar is off the list. */
  v.strictObject({ command: v.literal('drop'), sidecar: v.string() }),
  v.strictObject({ command: v.literal('ping') }),
  v.strictObject({ command: v.literal('status') }),
  /** Answered by hanging up, once the daemon has ended. */
  v.strictObject({ command: v.literal('stop') }),
]);

export const firstLine = v.strictObject({
  build: v.strictObject({ version: v.string(), builtMs: v.number() }),
  request,
});

export type Request = v.InferOutput<typeof request>;
export type RequestOf<C extends Request['command']> = Extract<Request, { command: C }>;

/** What a request is answered with, but for `exec`. */
export interface Results {
  readonly sync: SyncResult;
  readonly wait: { readonly attempts: number; readonly elapsedMs: number };
  readonly warm: null;
  readonly drop: null;
  readonly ping: null;
  readonly status: DaemonStatus;
  readonly stop: null;
}

/** To a client. */
export type FromDaemon =
  | { readonly kind: 'hello'; readonly pid: number; readonly build: Build }
  /** It is of another build, and does nothing for this client. One that is older makes room for a new one. */
  | { readonly kind: 'other-build' }
  | { readonly kind: 'alive' }
  /** Which sidecar the request is about. */
  | { readonly kind: 'chosen'; readonly sidecar: string }
  | { readonly kind: 'event'; readonly event: SidecarEvent }
  | { readonly kind: 'passphrase?'; readonly path: string; readonly retry: boolean }
  /** The next byte begins a frame. */
  | { readonly kind: 'opened' }
  | { readonly kind: 'result'; readonly result: Results[keyof Results] }
  | { readonly kind: 'error'; readonly error: unknown };

/** From a client that was asked for one. Null: the user gives none. */
export const passphraseLine = v.strictObject({ passphrase: v.nullable(v.string()) });
