import { randomBytes } from 'node:crypto';
import type { Readable, Writable } from 'node:stream';
import type { Clock } from '../clock.js';
import { SidecarError } from '../errors.js';
import { firstWordMs, remoteCommand, remoteCommandOnTerminal, scriptLine, silent } from '../sync/remote-script.js';
import type { Terminal, TerminalSize } from '../transport/terminal.js';
import type { Channel, Transport } from '../transport/transport.js';
import { lifelineScript, plainScript, terminalScript, variableLines } from './execution-script.js';
import { exitCode } from './exit-code.js';
import { firstWord, type FirstWord } from './first-word.js';
import { unlessAborted } from './unless-aborted.js';

export interface ExecutionRequest {
  /** As `workspacePath` gives it. */
  readonly workspace: string;
  /** Word for word. Undefined: a login shell. */
  readonly command: readonly string[] | undefined;
  /** More variables for it. They are shown to nobody, on neither side. */
  readonly variables: Readonly<Record<string, string>>;
  /** The terminal to run it on, if any. */
  readonly terminal: Terminal | undefined;
}

/** A command that runs in the workspace, with the caller's input. */
export interface Execution {
  /** Where it runs: an absolute path over there, without links. Undefined where it cannot be told. */
  readonly workspace: string | undefined;
  /** Ending it is an end of file for the command; on a terminal it means nothing. */
  readonly stdin: Writable;
  /** To be read, both: a command that nobody reads from stops in the middle. On a terminal all comes from `stdout`. */
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** The exit code, 128+n for signal n. Rejects with `ssh.connection_lost`: then nobody knows how it ended. */
  readonly ended: Promise<number>;
  resize(size: TerminalSize): void;
  /** Interrupts it with all that it started; what does not end is told to, and then killed. Does not wait. */
  stop(): void;
}

/** What channels open on. */
type Opener = Pick<Transport, 'exec'>;

/**
 * Starts a command in the workspace: with `stop`, and with the connection, it ends, and all that it started with it. What
 * it leaves running when it has ended by itself runs on, as over ssh.
 *
 * Throws `run.no_workspace`, `run.not_started`, `ssh.channel_refused` and `ssh.connection_lost`, which is retryable only
 * as long as nothing can have been started.
 */
export async function startExecution(
  transport: Opener,
  request: ExecutionRequest,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<Execution> {
  const nonce = randomBytes(12).toString('hex');
  const opening = new AbortController();
  const within = AbortSignal.any([signal, opening.signal]);
  const late = clock.sleep(firstWordMs, within).then(
    () => opening.abort(notStarted(silent)),
    () => undefined,
  );
  try {
    const { terminal } = request;
    return terminal === undefined
      ? await startPlain(transport, { ...request, nonce }, within)
      : await startOnTerminal(transport, { ...request, nonce, terminal }, within);
  } finally {
    opening.abort();
    await late;
  }
}

type Named<T> = T & { readonly nonce: string };

async function startPlain(
  transport: Opener,
  request: Named<ExecutionRequest>,
  signal: AbortSignal,
): Promise<Execution> {
  const { nonce, variables } = request;
  const opening = transport.exec(remoteCommand);
  opening.catch(() => undefined); // it is met below, and the lifeline may take longer
  const lifeline = await holdLifeline(transport, nonce).catch((error: unknown) => {
    opening.then((channel) => channel.close()).catch(() => undefined);
    throw error;
  });
  const channel = await opening.catch((error: unknown) => {
    lifeline?.close();
    throw error;
  });
  const give = (): void => {
    lifeline?.close();
    channel.close();
  };
  let workspace: string | undefined;
  try {
    channel.stdin.write(
      scriptLine(plainScript({ ...request, hasLifeline: lifeline !== undefined })) + variableLines(variables),
    );
    const words = Promise.all([firstWord(channel.stdout, nonce), firstWord(channel.stderr, nonce)]);
    workspace = await begun(channel, words, signal);
    lifeline?.stdin.write('go');
  } catch (error) {
    // Of what has ended already, the lifeline need not wait for the beginning.
    if (isNotStarted(error)) lifeline?.stdin.end('go');
    else lifeline?.close();
    channel.close();
    throw afterBegin(error);
  }
  const ended = channel.exit.then(exitCode);
  ended.then(give, give);
  return {
    ...{ workspace, stdin: channel.stdin, stdout: channel.stdout, stderr: channel.stderr, ended },
    resize: () => undefined,
    // Without one there is only what the server makes of it.
    stop: () => (lifeline === undefined ? channel.close() : lifeline.stdin.end()),
  };
}

async function startOnTerminal(
  transport: Opener,
  request: Named<ExecutionRequest> & { readonly terminal: Terminal },
  signal: AbortSignal,
): Promise<Execution> {
  const { nonce, variables, terminal } = request;
  const channel = await transport.exec(remoteCommandOnTerminal(nonce), { terminal });
  const word = (): Promise<readonly FirstWord[]> => firstWord(channel.stdout, nonce).then((each) => [each]);
  let sent = false;
  let workspace: string | undefined;
  try {
    await begun(channel, word(), signal);
    sent = true;
    channel.stdin.write(scriptLine(terminalScript(request, terminal.modes ?? {})) + variableLines(variables));
    workspace = await begun(channel, word(), signal);
  } catch (error) {
    channel.close();
    throw sent ? afterBegin(error) : error;
  }
  const ended = channel.exit.then(exitCode);
  ended.catch(() => undefined);
  return {
    ...{ workspace, stdin: channel.stdin, stdout: channel.stdout, stderr: channel.stderr, ended },
    resize: (size) => channel.resize(size),
    // The terminal hangs up.
    stop: () => channel.close(),
  };
}

/** Undefined where the server does not want to open another channel: then its word is all there is. */
async function holdLifeline(transport: Opener, nonce: string): Promise<Channel | undefined> {
  try {
    const channel = await transport.exec(remoteCommand);
    channel.stdin.write(scriptLine(lifelineScript(nonce)));
    channel.stdout.destroy();
    channel.stderr.destroy();
    return channel;
  } catch (error) {
    if (error instanceof SidecarError && error.code === 'ssh.channel_refused') return undefined;
    throw error;
  }
}

/** Waits until the far side says that it goes on, and tells where, if that is said. */
async function begun(
  channel: Channel,
  words: Promise<readonly FirstWord[]>,
  signal: AbortSignal,
): Promise<string | undefined> {
  const said = await unlessAborted(words, signal).catch(async (error: unknown) => {
    if (signal.aborted) throw error;
    await channel.exit; // a stream that broke: the channel knows why
    throw error;
  });
  const places = said.map((word) => (word.kind === 'word' ? placeIn(word.rest) : ''));
  const silentOnes = said.filter(({ kind }) => kind === 'none');
  if (silentOnes.length === 0) return places.find((place) => place !== '');
  const exit = exitCode(await channel.exit);
  throw notStarted(whyNot(silentOnes.at(-1), `the remote shell ended with ${exit}`));
}

/** Where it goes on, or empty. Throws what the script's first word says that went wrong. */
function placeIn(rest: string): string {
  const [word = '', ...more] = rest.split(' ');
  const workspace = more.join(' ');
  if (word === 'go' || word === 'raw') return workspace;
  if (word === 'no-stty') throw notStarted('the terminal there cannot be set: stty is missing');
  if (word === 'missing') throw new SidecarError('run.no_workspace', { workspace });
  if (word === 'closed') throw new SidecarError('run.no_workspace', { workspace, reason: 'cannot be entered' });
  throw notStarted(`the script over there said ${word.slice(0, 40)}`);
}

function whyNot(word: FirstWord | undefined, otherwise: string): string {
  const said = word?.kind === 'none' ? word.said.trim().split('\n').slice(-3).join('; ') : '';
  return said === '' ? otherwise : said.slice(0, 600);
}

function notStarted(reason: string): SidecarError {
  return new SidecarError('run.not_started', { reason }, { retryable: false });
}

function isNotStarted(error: unknown): boolean {
  return error instanceof SidecarError && (error.code === 'run.no_workspace' || error.code === 'run.not_started');
}

/** What is lost now may run already, and is not to be begun again. */
function afterBegin(error: unknown): unknown {
  if (!(error instanceof SidecarError) || error.retryable !== true) return error;
  return new SidecarError(error.code, error.facts, { cause: error, retryable: false });
}
