import { afterEach, beforeEach, expect, it } from 'vitest';
import { fingerprint } from '../../src/transport/public-key.js';
import { BuiltProgram } from '../fakes/built-program.js';
import { describeWith } from '../fakes/parts.js';
import { makeKey } from '../fakes/ssh-keys.js';
import { sshdParts, startSshd } from '../fakes/sshd.js';

let user: BuiltProgram;
beforeEach(() => {
  user = new BuiltProgram();
});
afterEach(async () => {
  await user[Symbol.asyncDispose]();
});

describeWith([...sshdParts, 'script', 'setsid'], 'logging in to a machine', () => {
  it('for the first time trusts its host key, and shows the fingerprint', async () => {
    const key = await makeKey(user.directory('keys'), 'own');
    await using sshd = await startSshd({ authorizedKeys: [key.line], home: user.directory('far') });
    await user.type('add', 'web', `127.0.0.1:${sshd.port}`, '--identity', key.path);
    const first = await user.type('wait');
    expect(first).toMatchObject({ code: 0, stdout: '✓ web is ready\n' });
    expect(first.stderr).toBe(
      `sidecar: first connection to web: its ssh-ed25519 host key is trusted from now on: ${fingerprint(sshd.hostKey.blob)}\n`,
    );
    expect((await user.type('wait')).stderr).toBe('');
  });

  it('with a locked key: without a terminal says what to do', async () => {
    const locked = await makeKey(user.directory('keys'), 'locked', { passphrase: 'correct horse' });
    await using sshd = await startSshd({ authorizedKeys: [locked.line] });
    await user.type('add', 'web', `127.0.0.1:${sshd.port}`, '--identity', locked.path);
    // setsid: the terminal that runs the tests, if any, is not this command's.
    const { code, stdout, stderr } = await user.startProgram('setsid', ['-w', ...user.command('wait')]).ended;
    expect({ code, stdout }).toEqual({ code: 255, stdout: '' });
    expect(stderr).toContain(`run \`ssh-add ${locked.path}\` first, or run this on a terminal`);
  });

  it('with a locked key: asks for the passphrase on a terminal, shows nothing of it, and gives the terminal back', async () => {
    const locked = await makeKey(user.directory('keys'), 'locked', { passphrase: 'correct horse' });
    await using sshd = await startSshd({ authorizedKeys: [locked.line], home: user.directory('far') });
    await user.type('add', 'web', `127.0.0.1:${sshd.port}`, '--identity', locked.path);

    const terminal = user.startOnTerminal('sidecar wait; echo ended with $?; stty -a');
    await terminal.said(`Passphrase for ${locked.path}: `);
    terminal.child.stdin?.write('wrong\r');
    await terminal.said('That was wrong. Passphrase for');
    terminal.child.stdin?.write('correct horse\r');
    const { stdout } = await terminal.ended;
    expect(stdout).toContain('web is ready');
    expect(stdout).toContain('ended with 0');
    expect(stdout).not.toMatch(/wrong\r|correct horse/);
    expect(stdout).toMatch(/ icanon .* echo /s);
  });

  it('with a locked key: Ctrl-C at the question ends with 130 and gives the terminal back', async () => {
    const locked = await makeKey(user.directory('keys'), 'locked', { passphrase: 'correct horse' });
    await using sshd = await startSshd({ authorizedKeys: [locked.line] });
    await user.type('add', 'web', `127.0.0.1:${sshd.port}`, '--identity', locked.path);

    const terminal = user.startOnTerminal('sidecar wait; echo ended with $?; stty -a');
    await terminal.said('Passphrase for');
    terminal.child.stdin?.write('\u0003');
    const { stdout } = await terminal.ended;
    expect(stdout).toContain('ended with 130');
    expect(stdout).toMatch(/ icanon .* echo /s);
  });
});
