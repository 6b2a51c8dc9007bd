// `npm run bench`: how long a sync takes, next to what else could do it, on a real sshd on this machine. It judges
// nothing: it prints what it measured.
import { existsSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { missingParts } from './bed.js';
import { contenders, program } from './contenders.js';
import { measure } from './measure.js';
import { parseOptions, usage, UsageError } from './options.js';
import { comparison, parts } from './table.js';

const exitCode = { failed: 1, usage: 2, interrupted: 130 };

/** Ctrl-C and its like end the running command; the rest is cleaned up as after any failure. */
const stop = new AbortController();
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => stop.abort());

try {
  await bench(process.argv.slice(2));
} catch (error) {
  if (stop.signal.aborted) process.exitCode = exitCode.interrupted;
  else {
    process.exitCode = error instanceof UsageError ? exitCode.usage : exitCode.failed;
    console.error(`bench: ${error instanceof Error ? error.message : String(error)}`);
  }
}

async function bench(argv: readonly string[]): Promise<void> {
  const options = parseOptions(argv);
  if (options === 'help') {
    console.log(usage);
    return;
  }
  const missing = missingParts();
  if (missing.length > 0) throw new UsageError(`this needs ${missing.join(', ')}, not found on PATH or in /usr/sbin`);
  if (!existsSync(program)) throw new UsageError(`${program} is missing: start this as \`npm run bench\``);

  const load = loadavg()[0]?.toFixed(1);
  const samples = await measure({
    ...options,
    signal: stop.signal,
    onRound: (files, round) => console.error(`bench: ${files} files, round ${round} of ${options.rounds}`),
  });
  const [ours, ...others] = contenders.map((each) => each.name) as [string, ...string[]];
  const machine = `Node ${process.versions.node}, ${cpus().length} cores, load ${load} at the start`;
  console.log(`Median (fastest–slowest). ${machine}.\n\n${comparison(samples, ours, others)}\n`);
  console.log(`Where the time of ${ours} goes, medians in ms (parts overlap):\n\n${parts(samples, ours)}`);
}
