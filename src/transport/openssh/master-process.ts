import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { SshLog, type Speaker } from './log.js';

/**
 * Runs ssh, says when it has ended, and when stdin ends, ends it: so ssh cannot outlive this process, however that comes
 * to its end. Whatever ssh has started goes with it, and the directory, which until then can still be looked at. For what
 * does not heed that there is a last word two seconds later, which nobody has to wait for.
 */
const keeper = `
trap : TERM
directory=$1; shift
exec 3<&0 4<>"$directory/log" </dev/null
"$@" 3<&- 4<&- &
ssh=$!
trap '' PIPE
(trap - TERM; read -r _ <&3; kill "$ssh") 2>/dev/null &
watch=$!
wait "$ssh"; status=$?
kill "$watch" 2>/dev/null
for all in 2 4; do printf '\\n%s ended %s\\n' "$directory" "$status" >&"$all"; done
read -r _ <&3
kill 0
sh -c 'sleep 2; kill -9 0' sidecar-ssh-end </dev/null >/dev/null 2>&1 3<&- 4<&- &
rm -rf "$directory"
`;

export interface MasterProcessOptions {
  /** Of ssh. */
  readonly args: readonly string[];
  /** Goes with it. */
  readonly directory: string;
  readonly env: NodeJS.ProcessEnv;
  /** What ssh writes its log to, see `openLogPipe`. It is destroyed with the process. */
  readonly pipe: Socket;
}

/** An ssh that holds a connection. It is in a session of its own, where no Ctrl-C reaches it, and has no terminal. */
export class MasterProcess {
  readonly directory: string;
  readonly log: SshLog;
  /** Resolves with its exit status once it has ended, and all that was said is in the log; null where nobody knows. */
  readonly ended: Promise<number | null>;
  /** Resolves once nothing of it is left. */
  readonly gone: Promise<void>;
  readonly #child: ChildProcess;

  /** `onLog` is called whenever something was said. */
  constructor({ args, directory, env, pipe }: MasterProcessOptions, onLog: (log: SshLog) => void) {
    this.directory = directory;
    this.log = new SshLog(directory);
    this.#child = spawn('/bin/sh', ['-c', keeper, 'sidecar-ssh', directory, 'ssh', ...args], {
      env,
      detached: true,
      stdio: ['pipe', 'ignore', 'pipe'],
    });
    this.#child.stdin?.on('error', () => undefined);
    const exited = once(this.#child, 'exit').catch(() => undefined);
    this.ended = new Promise((resolve) => {
      const take = (by: Speaker, text: string): void => {
        this.log.take(by, text);
        if (this.log.endedWith === undefined) onLog(this.log);
        else resolve(this.log.endedWith);
      };
      pipe.setEncoding('utf8').on('data', (text: string) => take('ssh', text));
      this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => take('others', text));
      pipe.on('error', () => this.stop());
      void exited.then(() => resolve(null));
    });
    void exited.then(() => pipe.destroy());
    this.gone = exited.then(() => rm(directory, { recursive: true, force: true }));
  }

  /** May be called twice. */
  stop(): void {
    this.#child.stdin?.destroy();
  }
}
