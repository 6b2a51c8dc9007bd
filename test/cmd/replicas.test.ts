import { mkdirSync, watch } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { CommandLine } from '../fakes/command-line.js';
import { writeProviderProgram } from '../fakes/provider-program.js';

let user: CommandLine;
let bin: string;
beforeEach(async () => {
  user = new CommandLine();
  bin = path.join(user.env['HOME'] ?? '', 'bin');
  mkdirSync(bin);
  user.env['PATH'] = `${bin}:${process.env['PATH'] ?? ''}`;
  await write('');
});
afterEach(() => {
  user[Symbol.dispose]();
});

const version = '"apiVersion":"sidecar.dev/provider/v1"';
/** Makes a machine of whatever is asked for, unless `script` does something else with `$name`. */
const write = (script: string): Promise<unknown> =>
  writeProviderProgram(
    bin,
    'vms',
    `request=$(cat)
     field() { printf '%s' "$request" | sed "s/.*\\"$1\\":\\"\\([^\\"]*\\)\\".*/\\1/"; }
     name=$(field name)
     fail() { echo '{${version},"error":{"code":"'"$1"'","message":"'"$2"'"}}'; exit 1; }
     case $1 in
       capabilities) echo '{${version},"capabilities":{}}'; exit ;;
       describe) echo '{${version},"sidecar":null}'; exit ;;
     esac
     ${script}
     echo '{${version},"sidecar":{"id":"m","state":"starting","name":"'"$name"'","requestId":"'"$(field requestId)"'"}}'`,
  );
const make = ['create', 'x', '--replicas', '3', '--provider', 'vms'];
const oneAndThreeAreTaken = async (): Promise<void> => {
  for (const name of ['x-1', 'x-3']) await user.type('add', name, 'host.example');
};
const namesIn = (documents: readonly { name: string }[]): string[] => documents.map(({ name }) => name);

it('of which all are made are listed, one a line or in one document', async () => {
  expect(await user.type(...make)).toEqual({
    ...{ code: 0, stderr: '' },
    stdout: '✓ created x-1\n✓ created x-2\n✓ created x-3\n',
  });
  const { code, stdout } = await user.type('create', 'y', '--replicas', '2', '--provider', 'vms', '--json');
  const { made, failed } = JSON.parse(stdout) as Record<'made' | 'failed', { name: string }[]>;
  expect([code, namesIn(made), failed]).toEqual([0, ['y-1', 'y-2'], []]);
});

it('of which some fail are told, and each failure with its name', async () => {
  await oneAndThreeAreTaken();
  const { code, stdout, stderr } = await user.type(...make);
  expect([code, stdout]).toEqual([1, '✓ created x-2\n']);
  expect(stderr).toContain('sidecar: x-1: there is a sidecar named x-1 already\n');
  expect(stderr).toContain('sidecar: x-3: there is a sidecar named x-3 already\n');
});

it('of which some fail are in the document of --json, and the first failure is the error', async () => {
  await oneAndThreeAreTaken();
  const { code, stdout, stderr } = await user.type(...make, '--json');
  const { made, failed } = JSON.parse(stdout) as Record<'made' | 'failed', { name: string; code: string }[]>;
  expect([code, namesIn(made)]).toEqual([1, ['x-2']]);
  expect(failed).toMatchObject([
    { name: 'x-1', code: 'sidecar.exists' },
    { name: 'x-3', code: 'sidecar.exists' },
  ]);
  expect(JSON.parse(stderr)).toMatchObject({ error: { code: 'sidecar.exists', name: 'x-1' } });
});

it('end with the exit code of the first that failed', async () => {
  await write(`case $name in x-2) fail invalid 'no such size' ;; x-3) fail quota 'three at most' ;; esac`);
  const { code, stdout, stderr } = await user.type(...make);
  expect([code, stdout]).toEqual([2, '✓ created x-1\n']);
  expect(stderr).toMatch(/^sidecar: x-2: .*no such size\n[^]*^sidecar: x-3: .*three at most\n/m);
});

it('count as made where only the landing on them failed', async () => {
  // Nothing listens there, and nobody waits for it.
  user.project.write('.sidecar.json', '{"connectTimeout": "1s"}');
  const ssh = '"ssh":{"endpoint":{"kind":"tcp","host":"127.0.0.1","port":1},"user":"dev","hostKeys":[]}';
  await write(`[ "$name" != x-2 ] || fail quota 'one at most'
     echo '{${version},"sidecar":{"id":"m","state":"running",${ssh},"name":"'"$name"'","requestId":"'"$(field requestId)"'"}}'
     exit`);
  const { code, stdout } = await user.type('create', 'x', '--replicas', '2', '--provider', 'vms', '--sync', '--json');
  const { made, failed } = JSON.parse(stdout) as Record<'made' | 'failed', { name: string }[]>;
  expect([namesIn(made), namesIn(failed), code === 0]).toEqual([['x-1'], ['x-1', 'x-2'], false]);
});

it('that are interrupted are told as far as they were made', async () => {
  const interrupt = new AbortController();
  const waiting = watch(bin, (_, file) => {
    if (file === 'x-3') interrupt.abort();
  });
  const list = path.join(user.env['SIDECAR_HOME'] ?? '', 'sidecars.json');
  await write(`[ "$name" != x-3 ] || {
       until [ "$(grep -c '"id": "m"' '${list}')" -eq 2 ]; do sleep 0.1; done
       : > '${bin}/x-3'; trap 'exit 1' TERM; while :; do sleep 0.1; done
     }`);
  const { code, stdout, stderr } = await user.typeUntil(interrupt.signal, ...make);
  waiting.close();
  expect([code, stdout]).toEqual([130, '✓ created x-1\n✓ created x-2\n']);
  expect(stderr).toMatch(/sidecar: interrupted\n$/);
});
