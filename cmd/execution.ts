import { pipeline } from 'node:stream/promises';
import type { Readable } from 'node:stream';
import type { Sidecars } from '../src/client.js';
import type { ExecutionOptions } from '../src/client-options.js';
import { landingOf, type LandingAsked } from '../src/landing.js';
import type { Execution } from '../src/run/execution.js';
import type { PathMapping } from '../src/run/map-paths.js';
import { mapped } from '../src/run/mapped.js';
import { aboutSidecar } from '../src/sidecars/about.js';
import type { SidecarRecord } from '../src/sidecars/record.js';
import type { Context } from './context.js';
import { startOnSession } from './on-session.js';
import { openSidecars } from './sidecars.js';
import { landingAsked } from './landing.js';
import { ScreenModes } from './ui/screen-modes.js';
import { TildeFilter } from './ui/tilde.js';
import { variablesFor } from './variables.js';
import { warnOfWithheld } from './withheld.js';

/** The flags of every command that runs something over there with the user's input. */
export interface ExecutionFlags {
  readonly env?: readonly string[];
  readonly envFile?: readonly string[];
  readonly stdin?: boolean;
  readonly workdir?: string;
  readonly connectTimeout?: string;
  /** Undefined where neither `-A` nor `-a` was said. */
  readonly forwardAgent?: boolean;
}

interface Wanted {
  /** Undefined: a login shell. */
  readonly command: readonly string[] | undefined;
  readonly flags: ExecutionFlags;
  readonly onTerminal: boolean;
  /** Forward the agent where the user's ssh_config says so. */
  readonly agentAsConfigured?: boolean;
}

/** What a shell says of a command that wrote to a pipe which nobody reads. */
const brokenPipe = 141;

/** Runs a command in the workspace with stdin, stdout and stderr of this process, and tells its exit code. */
export async function runThere(context: Context, wanted: Wanted): Promise<number> {
  const { command, flags, onTerminal, agentAsConfigured = false } = wanted;
  const { signal, terminal } = context;
  const given = variablesFor(context, flags);
  const { connectTimeout, workdir } = flags;
  const sidecars = openSidecars(context);
  const asked = landingAsked(context, { ...(connectTimeout === undefined ? {} : { connectTimeout }) });
  const { record, options, settings } = await landingOf(sidecars, { ...asked, workdir }, signal);
  warnOfWithheld(context, settings.withheld);
  const variables = { ...settings.environment, ...given };
  return aboutSidecar(record.name, async () => {
    const forwardAgent = flags.forwardAgent ?? (agentAsConfigured && (await sidecars.forwardsAgent(record, signal)));
    const request = {
      ...{ ...(await options()), command, variables, signal, forwardAgent },
      terminal: onTerminal ? terminal.describe() : undefined,
    };
    const execution = await startThere(context, { sidecars, record, asked, request });
    return attach(context, execution, { onTerminal, hasInput: flags.stdin !== false });
  });
}

/**
 * Starts it on the daemon's session, where there is one. With an agent to forward, on a session of its own: what one user's
 * command may use is not for whatever else runs over there.
 */
export async function startThere(
  context: Context,
  {
    sidecars,
    record,
    asked,
    request,
  }: {
    readonly sidecars: Sidecars;
    readonly record: SidecarRecord;
    /** Which session is to be had. */
    readonly asked: LandingAsked;
    readonly request: Omit<ExecutionOptions, 'emit' | 'askPassphrase'> & { readonly deadlineMs: number };
  },
): Promise<Execution> {
  const { deadlineMs } = request;
  const around = request.forwardAgent === true ? { ...context, daemon: false } : context;
  return startOnSession(around, { record, asked, deadlineMs }, (way) => sidecars.exec(record, { ...request, ...way }));
}

export interface Attachment {
  readonly onTerminal: boolean;
  readonly hasInput: boolean;
  /** All that it prints goes to stderr. */
  readonly onlyStderr?: boolean;
  /** Paths that are shown as others. */
  readonly mapping?: PathMapping | undefined;
}

/** Joins what runs over there to stdin, stdout and stderr of this process until it has ended, and tells its exit code. */
export async function attach(context: Context, execution: Execution, how: Attachment): Promise<number> {
  const { output, terminal } = context;
  const { onTerminal, hasInput, mapping, onlyStderr } = how;
  output.clearProgress();
  if (onTerminal && terminal.isTerminal && hasInput) return joinTerminals(context, execution, mapping);
  if (!hasInput) execution.stdin.end();
  else {
    // What a terminal takes for the end of its input is a character.
    const end = onTerminal ? [Buffer.from('\x04')] : [];
    void pipeline(inputOf(terminal.input(), end), execution.stdin).catch(() => undefined);
  }
  return passOn(context, execution, { mapping, onlyStderr });
}

async function* inputOf(input: Readable, end: readonly Buffer[]): AsyncGenerator<Buffer> {
  for await (const chunk of input) yield chunk as Buffer;
  yield* end;
}

interface Passing {
  readonly mapping: PathMapping | undefined;
  readonly onlyStderr?: boolean | undefined;
  readonly onBytes?: (chunk: Buffer) => void;
}

/** What prints, and can be stopped. */
export type Printing<T> = Pick<Execution, 'stdout' | 'stderr' | 'stop'> & { readonly ended: Promise<T> };

/**
 * Passes on what it prints until it has ended, and tells how; stops it when this command is interrupted or nobody reads any
 * more.
 */
export async function passOn<T>(
  { output, signal, clock }: Context,
  execution: Printing<T>,
  { mapping, onlyStderr = false, onBytes = ignore }: Passing,
): Promise<T | typeof brokenPipe> {
  const seen = { unread: false };
  const pass = async (stream: 'stdout' | 'stderr'): Promise<void> => {
    const said = execution[stream] as AsyncIterable<Buffer>;
    for await (const chunk of mapping === undefined ? said : mapped(said, mapping, clock)) {
      onBytes(chunk);
      if (await output.pass(onlyStderr ? 'stderr' : stream, chunk)) continue;
      seen.unread = true;
      execution.stop();
    }
  };
  const stop = (): void => execution.stop();
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  const passing = Promise.all([pass('stdout'), pass('stderr')]);
  passing.catch(ignore); // a stream that broke: the end says why
  try {
    const code = await execution.ended;
    await passing;
    signal.throwIfAborted();
    return seen.unread ? brokenPipe : code;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** The terminal here becomes the one over there, until the command has ended or the user hangs up. */
async function joinTerminals(
  context: Context,
  execution: Execution,
  mapping: PathMapping | undefined,
): Promise<number> {
  const { terminal, output } = context;
  const screen = new ScreenModes();
  const keys = new TildeFilter();
  const input = terminal.input();
  const tellSize = (): void => {
    const { columns, rows } = terminal.describe();
    execution.resize({ columns, rows });
  };
  const stopResizing = terminal.onResize((size) => execution.resize(size));
  tellSize(); // it may have changed while the session was opened
  let giveBack = terminal.makeRaw();
  const said = { hangUp: false };

  const suspend = async (): Promise<void> => {
    giveBack();
    await terminal.suspend();
    giveBack = terminal.makeRaw();
    tellSize();
  };
  const onKeys = (chunk: Buffer): void => {
    for (const typed of keys.read(chunk)) {
      if (typed.kind === 'bytes') {
        if (!execution.stdin.write(typed.bytes)) {
          input.pause();
          execution.stdin.once('drain', () => input.resume());
        }
      } else if (typed.escape === 'hang-up') {
        said.hangUp = true;
        execution.stop();
      } else if (typed.escape === 'suspend') void suspend();
      else void output.pass('stderr', Buffer.from(escapesHelp));
    }
  };
  input.on('data', onKeys);
  try {
    const code = await passOn(context, execution, { mapping, onBytes: (chunk) => screen.watch(chunk) });
    screen.forget();
    return code;
  } catch (error) {
    if (!said.hangUp) throw error;
    return hangUpCode;
  } finally {
    stopResizing();
    input.off('data', onKeys).pause();
    const undo = screen.undo();
    if (undo !== '') await output.pass('stdout', Buffer.from(undo));
    giveBack();
    if (said.hangUp) output.note('hung up');
  }
}

/** As ssh ends. */
const hangUpCode = 255;

const escapesHelp =
  '~?\r\nAt the start of a line:\r\n ~.   hangs up\r\n ~^Z  suspends\r\n ~?   lists these\r\n ~~   types a tilde\r\n';

const ignore = (): void => undefined;
