import type { Readable } from 'node:stream';
import type { Clock } from '../clock.js';
import { remoteCommand, scriptLine } from '../sync/remote-script.js';
import type { Transport } from '../transport/transport.js';
import { exitCode } from './exit-code.js';
import { runScript } from './script.js';

export interface Place {
  readonly transport: Transport;
  /** An absolute path over there. */
  readonly workspace: string;
}

export interface Command {
  /** Word for word. */
  readonly command: readonly string[];
  readonly variables?: Readonly<Record<string, string>>;
}

/** A command that runs in the workspace, as it was given, word for word. Its input is empty. */
export interface Run {
  /** To be read, both: a command that nobody reads from stops in the middle. */
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** The exit code, 128+n for signal n. Rejects with `ssh.connection_lost`. */
  readonly ended: Promise<number>;
  /** Ends it with all that it started, and resolves once it is gone, or is known not to end. May be called twice. */
  stop(): Promise<void>;
}

/** Longer than the far side takes to kill what does not end when told to. */
const stopMs = 5_000;

/** Throws `ssh.connection_lost` and `ssh.channel_refused`. Closing the transport ends the command too. */
export async function startRun(
  { transport, workspace }: Place,
  { command, variables = {} }: Command,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<Run> {
  const channel = await transport.exec(remoteCommand, { signal });
  channel.stdin.on('error', () => undefined); // its end tells more
  channel.stdin.write(scriptLine(runScript(workspace, command, variables)));
  const ended = channel.exit.then(exitCode);
  ended.catch(() => undefined);
  return {
    stdout: channel.stdout,
    stderr: channel.stderr,
    ended,
    stop: async () => {
      channel.stdin.end();
      const over = new AbortController();
      const settled = ended.then(
        () => undefined,
        () => undefined,
      );
      await Promise.race([settled, clock.sleep(stopMs, over.signal).catch(() => undefined)]);
      over.abort();
      channel.close();
    },
  };
}
