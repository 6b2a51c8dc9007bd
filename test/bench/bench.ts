// `npm run bench`: how long a sync takes, next to what else could do it, on a real sshd on this machine behind a network
// with a delay. It judges nothing: it prints what it measured.
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { findPart } from '../fakes/parts.js';
import { missingParts } from './bed.js';
import type { Contender } from './contender.js';
import { program } from './contenders/sidecar.js';
import { machineLine } from './machine.js';
import { measure } from './measure.js';
import { parseOptions, usage, UsageError, type Options } from './options.js';
import type { Sample } from './pass.js';
import { comparison, leftOut, whereTimeGoes, type Rows } from './table.js';

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
  const parsed = parseOptions(argv);
  if (parsed === 'help') {
    console.log(usage);
    return;
  }
  const missing = missingParts();
  if (missing.length > 0) throw new UsageError(`this needs ${missing.join(', ')}, not found on PATH or in /usr/sbin`);
  if (!existsSync(program)) throw new UsageError(`${program} is missing: start this as \`npm run bench\``);
  const contenders = parsed.contenders.filter(isInstalled);
  const options = { ...parsed, contenders };
  if (contenders.length === 0) throw new UsageError('none of these contenders is installed');
  const place = { cwd: process.cwd(), env: process.env, signal: stop.signal };
  const machine = await machineLine(options, place);
  console.log(`${machine}.\n`);
  const samples = await measured(options, options);
  if (options.json !== undefined) await writeFile(options.json, JSON.stringify({ machine, samples }, null, 2) + '\n');
}

function isInstalled({ name, needs }: Contender): boolean {
  const missing = needs.filter((each) => findPart(each) === undefined);
  if (missing.length > 0) console.log(`${name} is left out: no ${missing.join(', no ')} here.\n`);
  return missing.length === 0;
}

/** Prints what came of each tree as soon as it is known. */
async function measured(options: Options, rows: Rows): Promise<Sample[]> {
  const all: Sample[] = [];
  const trees = measure({
    ...options,
    signal: stop.signal,
    onPass: ({ files, round, rttMs }) =>
      console.error(`bench: ${files} files, round ${round + 1} of ${options.rounds}, ${rttMs} ms`),
  });
  for await (const samples of trees) {
    all.push(...samples);
    console.log(`${comparison(samples, rows)}\n`);
    const missing = leftOut(samples, rows, options.rttsMs);
    if (missing.length > 0) console.log(`Left out for lack of time: ${missing.join('; ')}.\n`);
    if (samples.every((each) => each.partsMs === undefined)) continue;
    console.log(`Where the time goes, medians in ms (parts overlap):\n\n${whereTimeGoes(samples, rows)}\n`);
  }
  return all;
}
