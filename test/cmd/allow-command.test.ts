import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CommandLine } from '../fakes/command-line.js';

let user: CommandLine;
let file: string;
beforeEach(() => {
  user = new CommandLine();
  file = path.join(user.project.root, '.sidecar.json');
});
afterEach(() => user[Symbol.dispose]());

describe('allow', () => {
  it('shows what it allows, as words and as a document, and takes it back', async () => {
    const settings = {
      afterLanding: ['npm', 'ci'],
      environment: { A: 'b\u001b[2J' },
      forwards: ['8080', { remote: '9000:localhost:22' }],
    };
    user.project.write('.sidecar.json', JSON.stringify(settings));
    expect(await user.type('allow')).toEqual({
      code: 0,
      stdout:
        `✓ allowed, until it changes: ${file}\n` +
        '  after each landing, over there: npm ci\n' +
        '  for what runs over there: A=b\\x1b[2J\n' +
        '  `sidecar forward`: 8080\n' +
        '  `sidecar forward`: -R 9000:localhost:22, which opens this machine to it\n',
      stderr: '',
    });
    const { stdout } = await user.type('allow', '--json');
    expect(JSON.parse(stdout)).toEqual({ file, allowed: true, settings });
    expect((await user.type('allow', '--revoke')).stdout).toBe(`✓ no longer allowed: ${file}\n`);
    expect((await user.type('allow', '--revoke')).stdout).toBe(`${file} was not allowed\n`);
  });

  it('has nothing to do where nothing needs it, and says where there is no file', async () => {
    user.project.write('.sidecar.json', '{"workdir": "w"}');
    expect((await user.type('allow')).stdout).toBe(`nothing in ${file} needs to be allowed\n`);
    const { code, stderr } = await user.typeIn('/', 'allow');
    expect([code, stderr]).toEqual([2, expect.stringContaining('there is no .sidecar.json in / or above')]);
  });
});

describe('forward without ports', () => {
  it('is an error, which says what would have it do something', async () => {
    const nothing = await user.type('forward');
    expect([nothing.code, nothing.stderr]).toEqual([2, expect.stringContaining('there is nothing to forward')]);
    user.project.write('.sidecar.json', '{"forwards": ["8080"]}');
    const { code, stderr } = await user.type('forward');
    expect([code, stderr]).toEqual([2, expect.stringContaining('run `sidecar allow`')]);
  });
});
