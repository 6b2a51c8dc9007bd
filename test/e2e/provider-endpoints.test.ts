import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { BuiltProgram } from '../fakes/built-program.js';
import { describeWith } from '../fakes/parts.js';
import { writeProviderProgram } from '../fakes/provider-program.js';
import { sshdParts, startSshd, type Sshd } from '../fakes/sshd.js';
import { startWebSocketBridge, type WebSocketBridge } from '../fakes/websocket-bridge.js';

/** One machine, a real sshd, at the endpoint that a file tells. */
const script = (directory: string): string => `#!/usr/bin/env node
const { readFileSync, writeFileSync, existsSync, rmSync } = require('node:fs');
const at = (name) => ${JSON.stringify(directory)} + '/' + name;
const request = JSON.parse(readFileSync(0, 'utf8'));
const told = JSON.parse(readFileSync(at('machine.json'), 'utf8'));
const answer = (body) => console.log(JSON.stringify({ apiVersion: 'sidecar.dev/provider/v1', ...body }));
const machine = () => {
  if (!existsSync(at('made'))) return null;
  const { name, requestId } = JSON.parse(readFileSync(at('made'), 'utf8'));
  return { id: 'vm-1', name, requestId, state: 'running', ssh: told };
};
switch (process.argv[2]) {
  case 'capabilities': answer({ capabilities: {} }); break;
  case 'create':
    writeFileSync(at('made'), JSON.stringify(request.spec));
    writeFileSync(at('authorized_keys'), request.spec.authorizedKeys.join('\\n') + '\\n');
    answer({ sidecar: machine() });
    break;
  case 'describe': answer({ sidecar: machine() }); break;
  case 'delete': rmSync(at('made'), { force: true }); answer({}); break;
}
`;

describeWith(sshdParts, 'a machine whose provider says that it is reached', () => {
  let user: BuiltProgram;
  let sshd: Sshd;
  let bridge: WebSocketBridge;
  let directory: string;

  beforeEach(async () => {
    user = new BuiltProgram();
    user.project.write('file', 'one\n');
    directory = user.directory('vms');
    await writeProviderProgram(user.directory('bin'), 'vms', script(directory));
    user.env['PATH'] = `${user.directory('bin')}:${user.env['PATH'] ?? ''}`;
    const config = [`AuthorizedKeysFile ${path.join(directory, 'authorized_keys')}`];
    sshd = await startSshd({ home: user.directory('far'), config });
    bridge = await startWebSocketBridge(sshd.port);
  });
  afterEach(async () => {
    await user[Symbol.asyncDispose]();
    await bridge[Symbol.asyncDispose]();
    await sshd.stop();
  });

  /** One that must not be told how the user is known at a control plane. */
  const netcat = `if ('SIDECAR_TOKEN' in process.env) process.exit(1); const s = require('net').connect(process.argv[1], '127.0.0.1'); process.stdin.pipe(s).pipe(process.stdout)`;

  it.each([
    ['by an address', () => ({ kind: 'tcp', host: '127.0.0.1', port: sshd.port })],
    ['by a WebSocket', () => ({ kind: 'websocket', url: `ws://127.0.0.1:${bridge.port}` })],
    ['by a program', () => ({ kind: 'command', argv: [process.execPath, '-e', netcat, String(sshd.port)] })],
  ])('%s is landed on, pinned from the first connection', async (_, endpoint) => {
    user.env['SIDECAR_TOKEN'] = 'secret';
    const ssh = { endpoint: endpoint(), user: sshd.user, hostKeys: [sshd.hostKeyLine] };
    writeFileSync(path.join(directory, 'machine.json'), JSON.stringify(ssh));
    const created = await user.type('create', 'web', '--provider', 'vms', '--sync');
    expect(created, created.stderr).toMatchObject({ code: 0 });
    expect(created.stderr).not.toContain('first connection');
    expect((await user.type('run', '--', 'cat', 'file')).stdout).toBe('one\n');

    writeFileSync(path.join(directory, 'machine.json'), JSON.stringify({ ...ssh, hostKeys: [] }));
    expect((await user.type('sync', '--no-daemon')).code).toBe(0);
    expect((await user.type('delete', 'web')).code).toBe(0);
  });
});
