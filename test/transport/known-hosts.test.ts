import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isAbout, knownHostsName, parseKnownHosts, readKnownHosts } from '../../src/transport/known-hosts.js';
import { describeWith } from '../fakes/parts.js';
import { randomFrom } from '../fakes/random.js';
import { makeKey } from '../fakes/ssh-keys.js';

const run = promisify(execFile);

const keyLine = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIC65FoXzNUYkjR7ZwvDaWYcCk1jZ/DpmnW5bV5hRpZUI';

/** The numbers of the lines in `text` that are about `name`. */
function linesAbout(name: string, text: string): number[] {
  return parseKnownHosts(text, 'known_hosts')
    .filter((entry) => isAbout(entry, name))
    .map((entry) => entry.line);
}

describe('a host pattern', () => {
  it.each([
    { hosts: 'web', about: ['web', 'WEB'], notAbout: ['web2', 'we', 'web.example.com', ''] },
    { hosts: 'Web.Example.COM', about: ['web.example.com'], notAbout: ['web'] },
    { hosts: 'a,b,192.0.2.7', about: ['a', 'b', '192.0.2.7'], notAbout: ['a,b', 'c'] },
    { hosts: '*.example.com', about: ['x.example.com', 'x.y.example.com'], notAbout: ['example.com', 'xexample.com'] },
    { hosts: 'web?', about: ['web1', 'webx'], notAbout: ['web', 'web12'] },
    { hosts: 'w*b**', about: ['web', 'wb', 'webweb'], notAbout: ['we', 'xweb'] },
    { hosts: '*', about: ['anything', '[anything]:2222', '::1'], notAbout: [] },
    { hosts: '*.org,!evil.org', about: ['good.org'], notAbout: ['evil.org'] },
    { hosts: '!evil.org,*.org', about: ['good.org'], notAbout: ['evil.org'] },
    { hosts: '!evil.org', about: [], notAbout: ['evil.org', 'good.org'] },
    { hosts: '[web]:2222', about: ['[web]:2222'], notAbout: ['web', 'w', '[web]:2223', 'w:2222'] },
    { hosts: '[*]:2222', about: ['[web]:2222', '[::1]:2222'], notAbout: ['web'] },
    { hosts: 'a.b', about: ['a.b'], notAbout: ['axb'] },
    { hosts: 'we+b(1)|x', about: ['we+b(1)|x'], notAbout: ['weeb1'] },
  ])('$hosts is about $about and not about $notAbout', ({ hosts, about, notAbout }) => {
    const text = `${hosts} ${keyLine}`;
    expect(about.filter((name) => linesAbout(name, text).length === 0)).toEqual([]);
    expect(notAbout.filter((name) => linesAbout(name, text).length > 0)).toEqual([]);
  });

  it('takes a port other than 22 into the name', () => {
    expect(knownHostsName('web', 22)).toBe('web');
    expect(knownHostsName('web', 2222)).toBe('[web]:2222');
    expect(knownHostsName('::1', 2222)).toBe('[::1]:2222');
  });
});

describe('a known_hosts file', () => {
  it('may hold comments, blank lines, tabs, CRLF, a comment behind the key and no newline at its end', () => {
    const text = `# comment\r\n\r\n \tweb\t${keyLine.replace(' ', '\t')} a comment\r\nweb ${keyLine}`;
    expect(linesAbout('web', text)).toEqual([3, 4]);
  });

  it.each(['revoked', 'cert-authority'])('keeps the marker of a key: %s', (marker) => {
    const [entry] = parseKnownHosts(`@${marker} * ${keyLine}`, 'known_hosts');
    expect(entry).toMatchObject({ marker, hosts: '*', line: 1, path: 'known_hosts' });
  });

  it.each([
    ['an unknown marker', `@other web ${keyLine}`],
    ['two markers', `@revoked @revoked web ${keyLine}`],
    ['a key of SSH 1', 'web 1024 35 13129872398472398471238947'],
    ['a key that is cut', `web ${keyLine.slice(0, 60)}`],
    ['a line without a key', 'web'],
    ['a commented line', `#web ${keyLine}`],
  ])('has no entry for %s', (_what, text) => {
    expect(parseKnownHosts(text, 'known_hosts')).toEqual([]);
  });

  it.each(['|1|c2FsdA==', '|2|c2FsdA==|aGFzaA==', '|1||', '|1|c2FsdA==|aGFzaA==|x', '|'])(
    'with the malformed hash %s is about nobody',
    (hosts) => {
      expect(linesAbout('web', `${hosts} ${keyLine}`)).toEqual([]);
    },
  );

  it('that is missing has no entries', async () => {
    expect(await readKnownHosts(['/nonexistent/known_hosts', tmpdir()])).toEqual([]);
  });
});

describeWith(['ssh-keygen'], 'known_hosts as ssh-keygen reads it', () => {
  let directory: string;
  let path: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'sidecar-known-hosts-'));
    path = join(directory, 'known_hosts');
    await writeFile(path, await generateKnownHosts(directory));
  });
  afterAll(() => rm(directory, { recursive: true }));

  it('finds the same lines for every name', async () => {
    const text = await readFile(path, 'latin1');
    const entries = parseKnownHosts(text, path);
    let found = 0;
    for (const name of names) {
      const ours = entries.filter((entry) => isAbout(entry, name));
      const theirs = await findWithSshKeygen(name, path);
      found += theirs.length;
      const lines = ours.map(({ line, marker = '' }) => ({ line, marker: theirMarkers[marker] }));
      expect({ name, lines }).toEqual({ name, lines: theirs });
    }
    // Else the generated file tests nothing.
    expect(found).toBeGreaterThan(names.length);
  });
});

const hosts = ['web', 'web1', 'db.example.com', 'x.example.com', 'evil.example.com', '192.0.2.7', '::1', 'a-b_c'];
const names = hosts.flatMap((host) => [host, `[${host}]:2222`, `[${host}]:22022`]);

const theirMarkers: Readonly<Record<string, string>> = { '': '', revoked: 'REVOKED', 'cert-authority': 'CA' };

/** `ssh-keygen -F`, which prints `# Host web found: line 7 REVOKED` above each line. */
async function findWithSshKeygen(name: string, path: string): Promise<{ line: number; marker: string }[]> {
  const { stdout } = await run('ssh-keygen', ['-F', name, '-f', path]).catch((error: unknown) => {
    // It found none.
    if ((error as { readonly code?: unknown }).code === 1) return { stdout: '' };
    throw error as Error;
  });
  const found = stdout.matchAll(/^# Host .* found: line (\d+) ?(.*)$/gm);
  return [...found].map(([, line, marker = '']) => ({ line: Number(line), marker }));
}

/** Some hundred lines of everything that may stand in such a file, the same ones every time. */
async function generateKnownHosts(directory: string): Promise<string> {
  const keys = await Promise.all([
    makeKey(directory, 'ed25519'),
    makeKey(directory, 'ecdsa', { type: 'ecdsa' }),
    makeKey(directory, 'rsa', { type: 'rsa', bits: 2048 }),
  ]);
  const numbers = randomFrom(20);
  const random = (bound: number): number => Math.floor(numbers() * bound);
  const pick = <T>(values: readonly [T, ...T[]]): T => values[random(values.length)] ?? values[0];
  const keyText = (): string => keys[random(keys.length)]?.line ?? '';
  const pattern = (): string => {
    const name = names[random(names.length)] ?? '';
    const at = random(name.length);
    return pick([
      name,
      name.toUpperCase(),
      `!${name}`,
      `${name}*`,
      `${name.slice(0, at)}*`,
      `*${name.slice(at)}`,
      `!*${name.slice(at)}`,
      `${name.slice(0, at)}?${name.slice(at + 1)}`,
      '*',
      '*.example.com',
      '[*]:2222',
    ]);
  };
  const patterns = (): string => Array.from({ length: 1 + random(3) }, pattern).join(',');
  const line = (): string =>
    pick<() => string>([
      () => `${patterns()} ${keyText()}`,
      () => `${patterns()}\t${keyText()} a comment, with * and !`,
      () => ` ${patterns()}  ${keyText()}\r`,
      () => `@revoked ${patterns()} ${keyText()}`,
      () => `@cert-authority ${patterns()} ${keyText()}`,
      () => `# ${patterns()} ${keyText()}`,
      () => '',
    ])();

  const hashed = join(directory, 'hashed');
  await writeFile(hashed, names.map((name) => `${name} ${keyText()}\n`).join(''));
  await run('ssh-keygen', ['-q', '-H', '-f', hashed]);
  return `${Array.from({ length: 150 }, line).join('\n')}\n${await readFile(hashed, 'latin1')}`;
}
