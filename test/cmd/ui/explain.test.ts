import { describe, expect, it } from 'vitest';
import { errorDocument, errorLines } from '../../../cmd/ui/error-report.js';
import { exitCodes } from '../../../cmd/ui/exit-codes.js';
import { causeOf, explain } from '../../../cmd/ui/explain.js';
import { plainText } from '../../../cmd/ui/line.js';
import { type ErrorCode, type Facts, SidecarError } from '../../../src/errors.js';

const codes = Object.keys(exitCodes) as ErrorCode[];

/** What stands on the terminal. */
function words(code: ErrorCode, facts: Facts): string[] {
  return errorLines(new SidecarError(code, facts), { stack: false }).map(plainText);
}

describe('an explanation', () => {
  it.each(codes)('of %s makes sense even when no fact is known', (code) => {
    const { message, hint } = explain(new SidecarError(code));
    expect(message).not.toBe('');
    expect(`${message} ${hint}`).not.toMatch(/undefined|null|\bNaN\b|\(\)|: ?$/);
  });

  it('of a sidecar that cannot be reached tells where, why, how hard it tried, and what to check', () => {
    expect(
      words('ssh.unreachable', {
        sidecar: 'web',
        host: '10.0.0.7',
        port: 22,
        reason: 'connection refused',
        attempts: 10,
        elapsedMs: 86_400,
      }),
    ).toEqual([
      'sidecar: cannot reach web (10.0.0.7:22): connection refused (10 attempts in 86.4 s)',
      '  hint: check that the machine is up, its address right and its port open; SIDECAR_CONNECT_TIMEOUT=5m waits for longer; `sidecar doctor` looks further',
    ]);
  });

  it('of a keyring that takes too little names the size, and where a session fits', () => {
    const reason = 'it does not keep 8 KB, which a session may be (too long)';
    expect(words('login.storage', { storage: 'keyring', bytes: 8_192, reason })).toEqual([
      `sidecar: the keyring for the session cannot be used: ${reason}`,
      '  hint: log in with SIDECAR_TOKEN_STORAGE=file to have a file (0600) instead',
    ]);
  });

  it('of a changed host key names both fingerprints and the way out', () => {
    const facts = { sidecar: 'web', host: 'web.example', expected: ['SHA256:old'], actual: 'SHA256:new' };
    expect(words('ssh.host_key_changed', { ...facts, source: 'pin' })).toEqual([
      'sidecar: the host key of web (web.example) has changed: expected SHA256:old, got SHA256:new; this may be an attack, and nothing was sent',
      '  hint: only if you know that the machine was rebuilt: run `sidecar delete web` and create it again, or, if you added it, `sidecar forget web` and add it again',
    ]);
    expect(words('ssh.host_key_changed', { ...facts, source: '/home/ada/.ssh/known_hosts:3' })[1]).toBe(
      '  hint: only if you know that the machine was rebuilt: take its old key out of /home/ada/.ssh/known_hosts:3 and try again',
    );
  });

  it('of a host key that nobody knows names the key, what keeps it from being trusted, and who can tell', () => {
    const facts = { sidecar: 'web', host: 'web.example', actual: 'SHA256:new', rule: 'StrictHostKeyChecking yes' };
    const rule = 'and StrictHostKeyChecking yes in your ssh configuration keeps it from being trusted on first use';
    expect(words('ssh.host_key_unknown', facts)).toEqual([
      `sidecar: nobody knows the host key of web (web.example), SHA256:new, ${rule}`,
      '  hint: ask who runs the machine for its key, and put that into known_hosts, or add the machine with `--host-key`',
    ]);
  });

  it('of a refused login names the user and the keys', () => {
    const facts = { sidecar: 'web', host: 'h', port: 22, user: 'dev', reason: 'the server refused every key' };
    expect(
      words('ssh.auth_refused', { ...facts, tried: ['~/.ssh/id_ed25519'], unsupported: ['id_sk (FIDO)'] }),
    ).toEqual([
      'sidecar: web (h:22) refused the login as dev: the server refused every key (~/.ssh/id_ed25519); passed over, because they cannot be used: id_sk (FIDO)',
      '  hint: check the user name, and that ~/.ssh/authorized_keys over there holds one of your public keys',
    ]);
  });

  it('of a login without a key says that there is none, and how to get one', () => {
    const facts = { sidecar: 'web', host: 'h', port: 22, user: 'dev', tried: [], unsupported: [] };
    expect(words('ssh.auth_refused', facts)).toEqual([
      'sidecar: there is no SSH key to log in to web (h:22) with as dev',
      '  hint: make one with `ssh-keygen`, start your ssh-agent, or add the sidecar with `--identity FILE`',
    ]);
  });

  it('of a repository that belongs to somebody else names git’s own way out', () => {
    const facts = { reason: '/srv/app belongs to another user', distrusted: '/srv/app' };
    expect(words('git.failed', facts)[1]).toContain('git config --global --add safe.directory /srv/app');
  });

  it('of a login refused after a boot says that the machine may not be ready', () => {
    expect(words('ssh.auth_refused', { sidecar: 'web', attempts: 4 })[1]).toContain('try again in a moment');
  });

  it('of a locked key names ssh-add and the path', () => {
    expect(words('ssh.passphrase_needed', { path: '/home/ada/.ssh/id_rsa' })[1]).toBe(
      '  hint: run `ssh-add /home/ada/.ssh/id_rsa` first, or run this on a terminal',
    );
  });

  it('of drift lists some of the paths, and how to go on', () => {
    const added = Array.from({ length: 7 }, (_, n) => `new${n}`);
    expect(words('sync.drifted', { sidecar: 'web', workspace: '/w', modified: ['a'], added, deleted: [] })).toEqual([
      'sidecar: /w on web was changed over there since the last landing: a (modified), new0 (added), new1 (added), new2 (added), new3 (added) and 3 more',
      '  hint: nothing was changed; `--drift save` keeps those changes aside and lands the tree',
    ]);
  });

  it('of a workspace that holds something else names --adopt', () => {
    expect(words('sync.not_empty', { workspace: '/w' })[1]).toContain('`--adopt`');
  });

  it('of an IPv6 address can be told from its port', () => {
    expect(words('ssh.protocol', { host: '::1', port: 22 })[0]).toContain('[::1]:22');
  });

  it('shows what the other side said escaped', () => {
    expect(words('sync.remote_failed', { reason: 'no\x1b[2J\nspace' })[0]).toContain('no\\x1b[2J\\nspace');
  });
});

describe('the document of an error', () => {
  it('holds its code, its words and its facts', () => {
    expect(errorDocument(new SidecarError('sidecar.unknown', { name: 'web', known: [] }))).toEqual({
      error: {
        code: 'sidecar.unknown',
        message: 'there is no sidecar named web',
        hint: expect.any(String) as string,
        name: 'web',
        known: [],
      },
    });
  });

  it('has its words whatever facts are called', () => {
    const { error } = errorDocument(new SidecarError('interrupted', { code: 'x', message: 'y', hint: 'z' }));
    expect(error).toEqual({ code: 'interrupted', message: 'interrupted', hint: '' });
  });
});

describe('the stack of an error', () => {
  it('follows the causes, in circles too', () => {
    const inner = new Error('ECONNREFUSED');
    const error = new SidecarError('ssh.unreachable', {}, { cause: inner });
    inner.cause = error;
    const lines = errorLines(error, { stack: true }).map(plainText);
    expect(lines.filter((line) => line.includes('caused by'))).toEqual(['  caused by Error: ECONNREFUSED']);
  });
});

describe('the cause in few words', () => {
  it('is the reason where there is one, else the message', () => {
    expect(causeOf(new SidecarError('ssh.unreachable', { reason: 'no answer' }))).toBe('no answer');
    expect(causeOf(new SidecarError('git.missing'))).toContain('git is not installed');
  });
});

describe('exit codes', () => {
  it('are 255 for everything of SSH, 3 for what protects work, 2 for wrong usage, 130 for Ctrl-C, else 1', () => {
    const of = (code: number): ErrorCode[] => codes.filter((each) => exitCodes[each] === code);
    // The last: nobody could be asked any more.
    expect(of(255)).toEqual([...codes.filter((code) => code.startsWith('ssh.')), 'run.uncertain']);
    expect(of(3)).toEqual([
      'sync.drifted',
      'sync.not_empty',
      'sync.forbidden_workspace',
      'sync.in_use',
      'history.busy',
      'pull.conflict',
      'pull.branch_exists',
      'init.refused',
    ]);
    expect(of(2)).toEqual(['usage.invalid', 'settings.invalid']);
    expect(of(130)).toEqual(['interrupted']);
    expect(of(1).length).toBe(codes.length - of(255).length - of(3).length - 2 - 1);
  });
});
