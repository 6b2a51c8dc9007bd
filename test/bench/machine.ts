import { arch, cpus, loadavg, release, totalmem, type } from 'node:os';
import type { Contender } from './contender.js';
import { run, type Place } from './run.js';

/** How each program says its version: in the first number with a dot that it prints. */
const versionOptions: Readonly<Record<string, readonly string[]>> = {
  git: ['--version'],
  rsync: ['--version'],
  ssh: ['-V'],
  unison: ['-version'],
};

/** One line on when and where it was measured, and with what. */
export async function machineLine(
  { node, contenders }: { readonly node: string; readonly contenders: readonly Contender[] },
  place: Place,
): Promise<string> {
  const cores = cpus();
  const clientNode = await version(node, ['--version'], place);
  const programs = [...new Set(contenders.flatMap((each) => each.needs))];
  const versions = programs.map(async (each) => `${each} ${await version(each, versionOptions[each] ?? [], place)}`);
  return [
    new Date().toISOString().slice(0, 16).replace('T', ' ') + ' UTC',
    `${cores[0]?.model.trim()}, ${cores.length} cores, ${(totalmem() / 2 ** 30).toFixed(0)} GiB`,
    `${type()} ${release()} ${arch()}`,
    `load ${loadavg()[0]?.toFixed(1)} at the start`,
    `sidecar on Node ${clientNode}`,
    ...(await Promise.all(versions)),
  ].join('; ');
}

async function version(program: string, args: readonly string[], place: Place): Promise<string> {
  const { stdout } = await run('sh', ['-c', '"$0" "$@" 2>&1', program, ...args], place);
  return /\d+(\.\d+)+\w*/.exec(stdout)?.[0] ?? stdout.trim();
}
