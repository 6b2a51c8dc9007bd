import { CommanderError } from 'commander';
import { asSidecarError, SidecarError } from '../src/errors.js';
import { type GlobalOptions, type World, createContext, createOutput } from './context.js';
import { createProgram } from './program.js';
import { errorDocument, errorLines } from './ui/error-report.js';
import { exitCode, exitCodes } from './ui/exit-codes.js';
import type { Output } from './ui/output.js';

/** How long a command may tidy up after Ctrl-C before it is left to the end of the process. */
const tidyUpMs = 700;

/** Runs the command that `world.argv` asks for, prints what it has to say and tells the exit code. Never throws. */
export async function main(world: World): Promise<number> {
  let output: Output | undefined;
  let usage = '';
  let code: number = exitCode.done;
  const unfinished = new Set<Promise<unknown>>();
  const ended = new AbortController();
  const ending = AbortSignal.any([world.signal, ended.signal]);
  const finishing = <T>(work: Promise<T>): Promise<T> => {
    unfinished.add(work);
    return work;
  };
  const program = createProgram({
    run: async (command) => {
      const options = program.opts<GlobalOptions>();
      output = createOutput(world, options);
      const answer = await command(createContext(world, options, { output, ending, finishing }));
      if (typeof answer === 'number') code = answer;
    },
    printHelp: (text) => world.stdout.write(text),
    printUsage: (text) => (usage += text),
  });

  try {
    await Promise.race([
      // Also a command that gives up by itself, such as at a time limit, may have left work that has to come to its end.
      program.parseAsync(world.argv, { from: 'user' }).finally(() => {
        ended.abort();
        return all(unfinished);
      }),
      tidyUpEnds(world.signal, unfinished),
      world.crashed,
    ]);
    return code;
  } catch (thrown) {
    if (thrown instanceof CommanderError && thrown.exitCode === 0) return exitCode.done;
    // Wrong usage may have stopped the parser before it saw --json.
    const json = world.argv.includes('--json');
    output ??= createOutput(world, { ...program.opts<GlobalOptions>(), ...(json && { json }) });
    const error = failureOf(thrown, world.signal);
    if (usage !== '' && !output.json) output.usage(usage);
    else output.fail(errorDocument(error, output.left), errorLines(error, { stack: output.verbose }));
    return exitCodes[error.code];
  } finally {
    output?.clearProgress();
  }
}

async function tidyUpEnds(signal: AbortSignal, unfinished: ReadonlySet<Promise<unknown>>): Promise<never> {
  await new Promise<void>((resolve) => {
    signal.addEventListener('abort', () => setTimeout(resolve, tidyUpMs), { once: true });
  });
  await all(unfinished);
  throw signal.reason;
}

/** Work may begin while other work is waited for. */
async function all(unfinished: ReadonlySet<Promise<unknown>>): Promise<void> {
  for (let waitedFor = 0; waitedFor < unfinished.size;) {
    waitedFor = unfinished.size;
    await Promise.allSettled(unfinished);
  }
}

/** The failure as the user is told of it. Whatever fails after Ctrl-C fails because of it; what is left behind was told by then. */
function failureOf(thrown: unknown, signal: AbortSignal): SidecarError {
  if (signal.aborted) return new SidecarError('interrupted', {}, { cause: thrown });
  if (thrown instanceof CommanderError) return wrongUsage(thrown);
  return asSidecarError(thrown);
}

/** Commander says `error: unknown command 'lst'`, and on a line of its own `(Did you mean list?)`. */
function wrongUsage({ code, message }: CommanderError): SidecarError {
  if (code === 'commander.help') return new SidecarError('usage.invalid', { reason: 'no command was given' });
  const [reason = '', meant] = message.replace(/^error: /, '').split(/\n\(Did you mean (.*)\)$/s);
  return new SidecarError('usage.invalid', {
    reason,
    ...(meant !== undefined && { suggestion: `did you mean ${meant}` }),
  });
}
