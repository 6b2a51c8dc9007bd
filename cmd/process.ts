import type { World } from './context.js';
import { main } from './main.js';
import { ToldToLeave } from './told-to-leave.js';
import { processTerminal } from './process-terminal.js';
import { exitCode } from './ui/exit-codes.js';

/** One Ctrl-C can arrive twice: npm passes it on, and the library `atomically` sends it again. A person is slower. */
const sameSignalMs = 150;

/** Runs the command that this process was started with, and ends the process when everything is printed. */
export async function run(homeDir: string): Promise<never> {
  const interrupted = new AbortController();
  let interruptedAtMs = 0;
  function interrupt(why?: ToldToLeave): void {
    if (!interrupted.signal.aborted) {
      interruptedAtMs = performance.now();
      interrupted.abort(why);
    } else if (performance.now() - interruptedAtMs > sameSignalMs) {
      process.exit(exitCode.interrupted);
    }
  }
  process.on('SIGINT', () => interrupt());
  process.on('SIGTERM', () => interrupt(new ToldToLeave()));
  // A terminal that is closed may leave this process without one, and a command over there has to end.
  process.on('SIGHUP', () => interrupt(new ToldToLeave()));

  const crashed = new Promise<never>((_, reject) => process.on('uncaughtException', reject));

  // A reader that has enough (`| head`) is no failure; a full disk is one.
  let unprinted: Error | undefined;
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') unprinted = error;
    });
  }

  const world: World = {
    argv: process.argv.slice(2),
    env: process.env,
    cwd: () => process.cwd(),
    homeDir,
    platform: process.platform,
    stdout: process.stdout,
    stderr: process.stderr,
    terminal: processTerminal(),
    signal: interrupted.signal,
    interrupt: () => interrupt(),
    crashed,
  };
  // Where nothing is left to wait for, the process ends before `main` has answered: that is no success.
  process.exitCode = exitCode.failed;
  const code = await main(world).catch((error: unknown) => {
    process.stderr.write(`sidecar: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    return exitCode.failed;
  });

  // A slow reader must get every byte, and whatever a library left open must not hold the process. Nor must a reader that
  // reads no more, once the user has said that this is to end.
  const printed = [process.stdout, process.stderr].map((stream) => new Promise((done) => stream.write('', done)));
  const late = new Promise((done) => interrupted.signal.aborted && setTimeout(done, sameSignalMs));
  await Promise.race([Promise.all(printed), late]);
  if (unprinted !== undefined) {
    process.stderr.write(`sidecar: cannot print: ${unprinted.message}\n`);
    process.exit(exitCode.failed);
  }
  process.exit(code);
}
