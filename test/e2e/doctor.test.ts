import { chmodSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BuiltProgram } from '../fakes/built-program.js';
import { unusedPort } from '../fakes/unused-port.js';
import { describeAsRoot } from '../faults/machine/mounts.js';
import { giveAway } from '../faults/machine/another-user.js';

interface Document {
  readonly ok: boolean;
  readonly sidecar: string | null;
  readonly checks: readonly {
    readonly id: string;
    readonly title: string;
    readonly result: string;
    readonly detail: string;
    readonly fix: string | null;
    readonly error?: string;
  }[];
}

let user: BuiltProgram;
beforeEach(() => (user = new BuiltProgram()));
afterEach(() => user[Symbol.asyncDispose]());

async function examined(env: NodeJS.ProcessEnv, ...flags: string[]): Promise<Document & { readonly code: number }> {
  const { code, stdout, stderr } = await user.startWith(env, 'doctor', '--json', ...flags).ended;
  expect(stderr).toBe('');
  return { ...(JSON.parse(stdout) as Document), code };
}

const resultOf = ({ checks }: Document, id: string): string | undefined =>
  checks.find((check) => check.id === id)?.result;

describe('sidecar doctor', () => {
  it('finds nothing wrong with a sidecar that works, and says so in plain lines', async () => {
    await user.type('create', 'web');
    const { code, stdout } = await user.type('doctor');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^This machine\n {2}ok {6}Node\.js: \d+/);
    expect(stdout).toContain('\nThe way to web\n  ok      sidecar: web (local)\n');
    expect(stdout).toContain('\nOn web\n  ok      shell: ');
    expect(stdout).toMatch(/nothing needs fixing[^\n]*\n$/);
    expect(stdout).not.toMatch(/\x1b|✓|failed/);
  });

  it('is one document with --json, and fails where something needs fixing', async () => {
    await user.type('add', 'web', `127.0.0.1:${await unusedPort()}`);
    const document = await examined({});
    expect(document).toMatchObject({ ok: false, code: 1, sidecar: 'web' });
    expect(document.checks.filter(({ result }) => result === 'failed')).toEqual([
      {
        ...{ id: 'port', group: 'way', title: 'port', result: 'failed', error: 'ssh.unreachable' },
        detail: expect.stringContaining('connection refused') as string,
        fix: expect.stringContaining('check that the machine is up') as string,
      },
    ]);
  });

  it('works with nothing on PATH', async () => {
    const document = await examined({ PATH: user.directory('empty') });
    expect(document.code).toBe(1);
    expect(resultOf(document, 'git')).toBe('failed');
    expect(resultOf(document, 'registry')).toBe('ok');
    expect((await examined({ PATH: '' })).checks).toHaveLength(document.checks.length);
  });

  it('works with a broken list of sidecars and broken settings', async () => {
    const state = user.env['SIDECAR_HOME'] ?? '';
    mkdirSync(state, { mode: 0o700 });
    for (const file of ['sidecars.json', 'config.json']) writeFileSync(path.join(state, file), '{');
    const document = await examined({});
    expect(resultOf(document, 'registry')).toBe('failed');
    expect(resultOf(document, 'settings.user')).toBe('failed');
    expect(resultOf(document, 'working_tree')).toBe('ok');
    rmSync(state, { recursive: true });
  });

  it('asks the daemon how it is, and starts none', async () => {
    const env = { SIDECAR_NO_DAEMON: '' };
    const told = async (): Promise<string | undefined> =>
      (await examined(env)).checks.find(({ id }) => id === 'daemon')?.detail;
    expect(await told()).toContain('not running');
    expect(existsSync(path.join(user.env['SIDECAR_HOME'] ?? '', 'daemon'))).toBe(false);
    await user.type('create', 'web');
    await user.startWith(env, 'wait').ended;
    expect(await told()).toMatch(/^process \d+, 1 session$/);
  });
});

describeAsRoot('sidecar doctor', () => {
  it('works with a home directory that cannot be written', async () => {
    chmodSync(user.home, 0o555);
    giveAway(user.project.root);
    const { code, stdout, stderr } = await user.startProgram(
      'setpriv',
      ['--reuid=65534', '--regid=65534', '--clear-groups', ...user.command('doctor')],
      { SIDECAR_HOME: '' },
    ).ended;
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
    expect(stdout).toMatch(/failed {2}state directory: cannot use .*permission denied/);
    expect(stdout).toMatch(/ok {6}git: /);
  });
});
