import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CommandLine, type Said } from '../../fakes/command-line.js';
import { Canary } from './canary.js';
import { hostileNames } from './words.js';
import { tried } from '../ledger.js';

let user: CommandLine;
let canary: Canary;
beforeEach(() => {
  user = new CommandLine();
  canary = new Canary(path.join(user.project.root, '..'));
  user.env['PATH'] = `${canary.directory}:${user.env['PATH'] ?? ''}`;
  user.project.write('f', 'x\n');
});
afterEach(() => {
  expect(canary.sang).toBe('');
  user[Symbol.dispose]();
});

/** What a terminal acts on, but for the end of a line. */
const controls = /[\p{Cc}\u2028\u2029\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]/u;

function expectHarmless({ stdout, stderr }: Said): void {
  for (const line of `${stdout}${stderr}`.split('\n')) expect(line).not.toMatch(controls);
}

const words = hostileNames('sing');

/** Types each of these commands and expects it to be refused as wrong usage, and to have changed nothing. */
async function areRefused(commands: readonly (readonly string[])[]): Promise<void> {
  for (const argv of commands) {
    const said = await user.type(...argv);
    expect({ argv, code: said.code }).toEqual({ argv, code: 2 });
    expectHarmless(said);
  }
  expect((await user.type('list', '--json')).stdout).toBe('[]\n');
}

describe('what nobody can be called is refused at once', () => {
  it('as the name of a sidecar', async (context) => {
    const names = words.filter((word) => !/^[a-z0-9]+$/.test(word) || word.length > 63);
    await areRefused(names.map((name) => ['add', '--', name, 'one.example']));
    for (const name of names) expectHarmless(await user.type('use', '--', name));
    for (const name of names) expectHarmless(await user.type(`--sidecar=${name}`, 'current'));
    tried(context, {
      fault: 'shell, option and path injection',
      where: 'names of sidecars',
      times: names.length,
      outcome: 'refused, nothing changed',
    });
  });

  it('as the address of a machine, or as its user', async (context) => {
    const hosts = [
      ...[
        '-oProxyCommand=sing',
        '-oProxyCommand sing',
        '--',
        '-p',
        '-F/tmp/x',
        '$(sing)',
        '`sing`',
        'a;sing',
        'a|sing',
        'a&sing',
      ],
      ...[
        'a b',
        'a\nb',
        'a\tb',
        "a'b",
        'a"b',
        'a\\b',
        'a>b',
        'a<b',
        '{a,b}',
        '(a)',
        '[x]',
        'a/b',
        '',
        ':22',
        'a:0',
        'a:-1',
        'a:1x',
      ],
      ...[
        'a:99999',
        'a\x1b[2J',
        'a\u009b2J',
        'ssh://-oProxyCommand=sing',
        'ssh://-oProxyCommand=sing@a',
        'ssh://%0asing@a',
      ],
      ...[
        '-oProxyCommand=sing@a',
        '$(sing)@a',
        '`sing`@a',
        'a b@c',
        'a;sing@c',
        "a'@c",
        'a\n@c',
        '@c',
        'ssh://%24(sing)@a',
        'a\\@c',
      ],
    ];
    await areRefused(hosts.map((host) => ['add', 'web', '--', host]));
    tried(context, {
      fault: 'shell, option and path injection',
      where: 'addresses and users',
      times: hosts.length,
      outcome: 'refused, nothing changed',
    });
  });

  it('as a host key', async (context) => {
    const keys = [
      ...[
        '',
        ' ',
        'x',
        'ssh-ed25519',
        'ssh-ed25519 ',
        'ssh-ed25519 AAAA',
        'ssh-ed25519 !!!!',
        '-oX=y',
        '* ssh-ed25519 AAAA',
        '@revoked x',
      ],
      ...[
        'AAAAC3NzaC1lZDI1NTE5',
        'ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIAAA',
        `ssh-ed25519 ${'A'.repeat(100_000)}`,
        '$(sing)',
        '\x1b[2J',
        '\0',
      ],
      ...['ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA/////w=='],
    ];
    await areRefused(keys.map((key) => ['add', 'web', 'one.example', `--host-key=${key}`]));
    tried(context, {
      fault: 'malformed host keys',
      where: 'given by hand',
      times: keys.length,
      outcome: 'refused, nothing changed',
    });
  });
});

describe('a project file', () => {
  const write = (content: unknown): void =>
    writeFileSync(
      path.join(user.project.root, '.sidecar.json'),
      typeof content === 'string' ? content : JSON.stringify(content),
    );

  it('that names no sidecar is refused, and shown as text', async (context) => {
    const names = words.filter((word) => !/^[a-z0-9]+$/.test(word));
    for (const sidecar of names) {
      write({ sidecar });
      const said = await user.type('sync');
      expect({ sidecar, code: said.code }).toEqual({ sidecar, code: 2 });
      expectHarmless(said);
    }
    tried(context, {
      fault: 'shell, option and path injection',
      where: 'the project file',
      times: names.length,
      outcome: 'refused, nothing changed',
    });
  });

  it('whose workspace is no path of one’s own is refused before anything is connected to', async (context) => {
    await user.type('add', 'web', '127.0.0.1:1');
    const workdirs = [
      '',
      ' ',
      '~root',
      '~root/x',
      'a\nb',
      'a\x1b[2J',
      'a\x7fb',
      'a\rb',
      'x'.repeat(5_000),
      '/' + 'x/'.repeat(3_000),
      '\ud800',
    ];
    for (const workdir of workdirs) {
      write({ workdir });
      const said = await user.type('sync');
      expect({ workdir, code: said.code }).toEqual({ workdir, code: 2 });
      expectHarmless(said);
    }
    tried(context, {
      fault: 'shell, option and path injection',
      where: 'the project file',
      times: workdirs.length,
      outcome: 'refused, nothing changed',
    });
  });

  it('that is none is refused: keys that we do not know, other types, deep nesting, other text', async (context) => {
    const contents = [
      ...[
        '{',
        '[]',
        'null',
        '"x"',
        '',
        '\0',
        '{"sidecar":1}',
        '{"workdir":["a"]}',
        '{"drift":"overwrite"}',
        '{"connectTimeout":1e308}',
      ],
      ...[
        '{"\x1b[2J":1}',
        '{"__proto__":{"sidecar":"web"}}',
        '{"constructor":1}',
        '{"toString":1}',
        '['.repeat(50_000),
      ],
    ];
    for (const content of contents) {
      write(content);
      const said = await user.type('sync');
      expect({ content, code: said.code }).toEqual({ content, code: 2 });
      expectHarmless(said);
    }
    tried(context, {
      fault: 'malformed settings',
      where: 'the project file',
      times: contents.length,
      outcome: 'refused, nothing changed',
    });
  });
});

describe('words that are no command', () => {
  it('are shown as text', async (context) => {
    const argvs = words.flatMap((word) => [
      [word],
      ['sync', word],
      ['sync', `--${word}`],
      ['sync', '--drift', word],
      ['sync', '--connect-timeout', word],
      ['--json', word],
      ['help', word],
      ['-C', word, 'list'],
    ]);
    for (const argv of argvs) expectHarmless(await user.type(...argv));
    tried(context, { fault: 'terminal escapes', where: 'in arguments', times: argvs.length, outcome: 'harmless' });
  });
});
