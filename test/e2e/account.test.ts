import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { Logins } from '../../src/control/tokens/logins.js';
import { BuiltProgram } from '../fakes/built-program.js';
import { startHungBus, startKeyring } from '../fakes/keyring.js';
import { startOidcServer } from '../fakes/oidc-server.js';
import { describeWith } from '../fakes/parts.js';

/** Every file below, with what it holds. */
function filesIn(directory: string): { readonly file: string; readonly text: string; readonly mode: number }[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .map((name) => path.join(directory, name))
    .filter((file) => statSync(file).isFile())
    .map((file) => ({ file, text: readFileSync(file, 'utf8'), mode: statSync(file).mode & 0o777 }));
}

/** Without the keyring of whoever runs the tests. */
const noKeyring = { DBUS_SESSION_BUS_ADDRESS: 'unix:path=/nowhere', DISPLAY: '', WAYLAND_DISPLAY: '' };

const pending = { kind: 'error', error: 'authorization_pending' } as const;

/** As after a login that was kept in the keyring. */
async function listed({ env }: BuiltProgram, server: string): Promise<void> {
  const stateDir = env['SIDECAR_HOME'] ?? '';
  mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  await new Logins(stateDir).set(server, { storage: 'keyring' });
}

describe('an account', () => {
  it('is logged in to, named, and logged out of', async () => {
    await using server = await startOidcServer();
    await using program = new BuiltProgram();
    Object.assign(program.env, noKeyring, { SIDECAR_SERVER: server.url });

    const login = program.start('login', '--no-browser');
    const page = await server.nextPage();
    await login.said(`and enter the code ${new URL(page).searchParams.get('user_code')}`);
    await server.approve(page);
    const { code, stdout, stderr } = await login.ended;
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: expect.stringContaining('there is no keyring here') as string,
    });
    expect(stdout).toBe(
      `✓ logged in to ${server.url} as ada (kept in a file); the key of this machine is registered\n`,
    );
    expect(server.keys).toHaveLength(1);
    expect(server.keys[0]?.publicKey).toMatch(/^ssh-ed25519 AAAA/);

    const again = await program.type('login', '--json');
    expect(JSON.parse(again.stdout)).toEqual({
      ...{ server: server.url, account: { sub: 'ada' }, storage: 'file', approved: false, key: 'known' },
    });
    expect(again.stderr).toBe('');

    // The only server that there is a session with needs no naming.
    program.env['SIDECAR_SERVER'] = '';
    const who = await program.type('whoami', '--json');
    expect(JSON.parse(who.stdout)).toMatchObject({
      ...{ server: server.url, account: { sub: 'ada' }, storage: 'file', renewable: true },
    });

    const secrets = filesIn(program.env['SIDECAR_HOME'] ?? '').flatMap(({ file, text }) =>
      file.includes('/tokens/') && file.endsWith('.json')
        ? Object.values(JSON.parse(text) as Record<string, unknown>)
        : [],
    );
    const [access = '', refresh = ''] = secrets.filter((each): each is string => /^[\w-]{43}$/.test(String(each)));
    expect([access, refresh]).not.toContain('');
    for (const { mode } of filesIn(program.env['SIDECAR_HOME'] ?? '')) expect(mode).toBe(0o600);

    const logout = await program.type('logout');
    expect(logout).toEqual({ code: 0, stdout: `✓ logged out of ${server.url}\n`, stderr: '' });
    expect([...server.revoked].sort()).toEqual([access, refresh].sort());
    for (const { text } of filesIn(program.env['SIDECAR_HOME'] ?? '')) expect(text).not.toMatch(`${access}|${refresh}`);
    for (const said of [stdout, stderr, again.stdout, who.stdout, logout.stdout])
      expect(said).not.toMatch(`${access}|${refresh}`);

    const nobody = await program.type('whoami', '--server', server.url);
    expect(nobody).toMatchObject({ code: 1, stdout: '' });
    expect(nobody.stderr).toContain(`you are not logged in to ${server.url}`);
  });

  it('is shown to a telephone, too, and opened in the browser, where there is a terminal and a display', async () => {
    await using server = await startOidcServer();
    await using program = new BuiltProgram();
    const bin = program.directory('bin');
    const opened = path.join(bin, 'opened');
    writeFileSync(
      path.join(bin, 'xdg-open'),
      `#!/bin/sh\necho "$1" > '${opened}.new'; mv '${opened}.new' '${opened}'\n`,
    );
    chmodSync(path.join(bin, 'xdg-open'), 0o755);
    const display = { DISPLAY: ':7', PATH: `${bin}:${program.env['PATH'] ?? ''}`, SSH_CONNECTION: '' };
    Object.assign(program.env, noKeyring, display, { SIDECAR_SERVER: server.url });
    const login = program.startOnTerminal('stty cols 100 rows 50; sidecar login');
    const page = await server.nextPage();
    await login.said('▀▀▀▀▀▀▀');
    await server.approve(page);
    expect((await login.ended).stdout).toContain('logged in to');
    while (!existsSync(opened)) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(readFileSync(opened, 'utf8')).toBe(`${page}\n`);
  });

  it('is not logged in to when the user says no', async () => {
    await using server = await startOidcServer();
    await using program = new BuiltProgram();
    Object.assign(program.env, noKeyring);
    const login = program.start('login', '--server', server.url, '--json');
    await server.deny(await server.nextPage());
    const { code, stdout, stderr } = await login.ended;
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    const [prompt, error] = stderr
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as object);
    expect(prompt).toMatchObject({ prompt: { verificationUri: `${server.url}/device` } });
    expect(error).toMatchObject({ error: { code: 'login.denied', server: server.url } });
  });

  it('tells no secret where its approval is lost, not even with every step and stack', async () => {
    await using server = await startOidcServer();
    await using program = new BuiltProgram();
    Object.assign(program.env, noKeyring);
    // Nothing is decided until the approval is there.
    server.faults.push(...Array.from({ length: 60 }, () => pending));
    const login = program.start('login', '--server', server.url, '-v');
    await server.approve(await server.nextPage());
    server.faults.splice(0, Infinity, { kind: 'lost' });
    const { code, stdout, stderr } = await login.ended;
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain('the approval was probably used by an answer that was lost');
    const codes = server.asked.map((form) => form.get('device_code') ?? '');
    expect(codes.length).toBeGreaterThan(1);
    for (const secret of codes) expect(stderr).not.toContain(secret);
  });

  it('is not lost on Ctrl-C while its token is renewed', async () => {
    // It ends sooner than the minute before which it is renewed.
    await using server = await startOidcServer({ accessSeconds: 30 });
    await using program = new BuiltProgram();
    Object.assign(program.env, noKeyring, { SIDECAR_SERVER: server.url, SIDECAR_TOKEN_STORAGE: 'file' });
    const first = program.start('login', '--no-browser');
    await server.approve(await server.nextPage());
    expect((await first.ended).code).toBe(0);

    let release: () => void = () => undefined;
    const until = new Promise<void>((resolve) => (release = resolve));
    const held = new Promise<void>((onHeld) => server.faults.push({ kind: 'held', until, onHeld }));
    const again = program.start('login');
    await held;
    again.child.kill('SIGINT');
    // One that waits for nothing would have ended by then.
    expect((await program.type('--version')).code).toBe(0);
    release();
    expect(await again.ended).toMatchObject({ code: 130, stderr: 'sidecar: interrupted\n' });
    expect(await program.type('login')).toMatchObject({ code: 0, stderr: '' });
  });

  it('is left alone on Ctrl-C within the wait for the approval', async () => {
    await using server = await startOidcServer();
    await using program = new BuiltProgram();
    Object.assign(program.env, noKeyring);
    const login = program.start('login', '--server', server.url);
    await login.said('and enter the code');
    login.child.kill('SIGINT');
    expect((await login.ended).code).toBe(130);
    expect(server.asked.filter((form) => form.get('grant_type') === 'refresh_token')).toEqual([]);
  });
});

describeWith(['script'], 'the code of a login on a terminal', () => {
  it.each([
    [120, true],
    [30, false],
  ])('is drawn where %d columns are wide enough for it, wherever the answer goes: %s', async (columns, isDrawn) => {
    await using server = await startOidcServer();
    await using program = new BuiltProgram();
    Object.assign(program.env, noKeyring, { SIDECAR_TOKEN_STORAGE: 'file', TERM: 'xterm' });
    const login = program.startOnTerminal(
      `stty cols ${columns}; sidecar login --no-browser --server ${server.url} > answer`,
    );
    await login.said('waiting for the approval');
    login.child.stdin?.write('\u0003');
    const { stdout } = await login.ended;
    expect(/[▀▄█]/.test(stdout)).toBe(isDrawn);
  });
});

describe('an account with a keyring that hangs', () => {
  it.each(['login', 'whoami', 'logout'])('is left alone at once on Ctrl-C, by %s', async (command) => {
    await using program = new BuiltProgram();
    await using bus = await startHungBus();
    program.env['SIDECAR_SERVER'] = 'http://127.0.0.1:9';
    await listed(program, 'http://127.0.0.1:9');
    const asking = program.startWith(bus.env, command);
    const { gone } = await bus.connected();
    asking.child.kill('SIGINT');
    expect((await asking.ended).code).toBe(130);
    await gone;
  });

  it('is not made, and the user is told so', async () => {
    await using program = new BuiltProgram();
    await using bus = await startHungBus();
    const login = program.startWith(bus.env, 'login', '--server', 'http://127.0.0.1:9', '--json');
    const { code, stderr } = await login.ended;
    expect(code).toBe(1);
    const error = { code: 'login.storage', storage: 'keyring', reason: 'it does not answer within 3 s' };
    expect(JSON.parse(stderr)).toMatchObject({ error });
  });
});

describeWith(['dbus-daemon', 'dbus-send', 'gnome-keyring-daemon'], 'an account with a real keyring', () => {
  it('is kept there, and out of reach while that is locked', async () => {
    await using server = await startOidcServer();
    await using program = new BuiltProgram();
    using keyring = await startKeyring();
    Object.assign(program.env, { DISPLAY: '', WAYLAND_DISPLAY: '', SIDECAR_SERVER: server.url });
    program.env['DBUS_SESSION_BUS_ADDRESS'] = keyring.env['DBUS_SESSION_BUS_ADDRESS'];

    const login = program.start('login', '--no-browser');
    await server.approve(await server.nextPage());
    const said = await login.ended;
    expect(said).toMatchObject({ code: 0, stdout: expect.stringContaining('(kept in the keyring)') as string });
    expect(said.stderr).not.toContain('warning');
    expect((await program.type('whoami')).stdout).toContain('kept in the keyring');
    const refresh = filesIn(program.env['SIDECAR_HOME'] ?? '').filter(({ text }) => text.includes('refreshToken'));
    expect(refresh).toEqual([]);

    keyring.lock();
    for (const command of ['whoami', 'login', 'logout']) {
      const { code, stderr } = await program.type(command, '--json');
      expect(code).toBe(1);
      expect(JSON.parse(stderr)).toMatchObject({ error: { code: 'login.storage', storage: 'keyring' } });
    }
    // Nobody was asked to approve anything.
    const elsewhere = await program.type('login', '--server', 'http://127.0.0.1:9', '--json');
    expect(JSON.parse(elsewhere.stderr)).toMatchObject({ error: { code: 'login.storage' } });
  });
});
