import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { performance } from 'node:perf_hooks';

export interface Place {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** Ends the program (SIGTERM). The promise then settles once it is gone. */
  readonly signal: AbortSignal;
  /** Called with the id of the process once it runs. */
  readonly onStart?: (pid: number) => void;
}

export interface Ended {
  readonly stdout: string;
  /** From before the process started until it was gone and its output read. */
  readonly wallMs: number;
}

/** Runs a program to its end. Throws when it ends with anything but 0, with what it said on stderr. */
export async function run(program: string, args: readonly string[], place: Place): Promise<Ended> {
  place.signal.throwIfAborted();
  const startedMs = performance.now();
  const child = spawn(program, args, { cwd: place.cwd, env: place.env, stdio: ['ignore', 'pipe', 'pipe'] });
  if (child.pid !== undefined) place.onStart?.(child.pid);
  const end = (): boolean => child.kill('SIGTERM');
  place.signal.addEventListener('abort', end, { once: true });
  try {
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
    const wallMs = performance.now() - startedMs;
    place.signal.throwIfAborted();
    if (code !== 0) throw new Error(`${program} ${args.join(' ')}\nended with ${code ?? signal}:\n${stderr}${stdout}`);
    return { stdout, wallMs };
  } finally {
    place.signal.removeEventListener('abort', end);
  }
}
