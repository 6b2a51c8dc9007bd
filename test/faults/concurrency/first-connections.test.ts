import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Sidecars } from '../../../src/client.js';
import { BuiltProgram } from '../../fakes/built-program.js';
import { describeWith } from '../../fakes/parts.js';
import { makeKey, type MadeKey } from '../../fakes/ssh-keys.js';
import { startSshServer } from '../../fakes/ssh-server.js';
import { sshdParts, startSshd } from '../../fakes/sshd.js';
import { tried } from '../ledger.js';

let user: BuiltProgram;
let key: MadeKey;
beforeEach(async () => {
  user = new BuiltProgram();
  key = await makeKey(user.directory('keys'), 'id');
});
afterEach(async () => {
  await user[Symbol.asyncDispose]();
});

const pinned = (): readonly string[] => {
  const file = path.join(user.env['SIDECAR_HOME'] ?? '', 'sidecars.json');
  const { sidecars } = JSON.parse(readFileSync(file, 'utf8')) as { sidecars: { hostKeys: string[] }[] };
  return sidecars.flatMap(({ hostKeys }) => hostKeys);
};

const add = (port: number): ReturnType<BuiltProgram['type']> =>
  user.type('add', 'web', `127.0.0.1:${String(port)}`, '--identity', key.path);

describeWith(sshdParts, 'first connections at once', () => {
  it('to one machine all succeed, and its key is pinned once', async (context) => {
    await using sshd = await startSshd({ authorizedKeys: [key.line], home: user.directory('far') });
    await add(sshd.port);
    const all = await Promise.all(Array.from({ length: 5 }, () => user.type('wait', '--json')));
    expect(all.map(({ code }) => code)).toEqual([0, 0, 0, 0, 0]);
    expect(pinned()).toEqual([sshd.hostKeyLine]);
    tried(context, {
      fault: 'first connections at once',
      where: 'as processes, to one machine',
      times: all.length,
      outcome: 'finished by the same sync',
    });
  });

  it('that meet two machines at one address trust one of them, and the other is an alarm', async (context) => {
    await using one = await startSshd({ authorizedKeys: [key.line], home: user.directory('one') });
    await using other = await startSshd({ authorizedKeys: [key.line], home: user.directory('other') });
    const waiting: Socket[] = [];
    // Nothing is passed on until both have connected.
    const address = createServer({ pauseOnConnect: true }, (near) => {
      // Whoever gives up may do so by a reset.
      near.on('error', () => near.destroy());
      waiting.push(near);
      const ports = [one.port, other.port];
      if (waiting.length === ports.length) waiting.forEach((socket, index) => passOn(socket, ports[index] ?? 0));
    }).listen(0, '127.0.0.1');
    await once(address, 'listening');
    await add((address.address() as AddressInfo).port);
    const both = await Promise.all([user.type('wait', '--json'), user.type('wait', '--json')]);
    address.close();
    const [winner, loser] = both.sort((a, b) => a.code - b.code);
    expect(winner.code).toBe(0);
    expect(loser.code).toBe(255);
    expect(JSON.parse(loser.stderr)).toMatchObject({ error: { code: 'ssh.host_key_changed' } });
    expect(pinned()).toHaveLength(1);
    expect([one.hostKeyLine, other.hostKeyLine]).toContain(pinned()[0]);
    tried(context, {
      fault: 'first connections at once',
      where: 'as processes, to two machines at one address',
      times: both.length,
      outcome: 'refused, nothing changed',
    });
  });

  it('do not pin the key of a machine that was forgotten meanwhile to the new one of its name', async () => {
    const sidecars = new Sidecars({ env: user.env, homeDir: user.home });
    const identity = key.path;
    await using server = await startSshServer({
      onAuth: (request) => {
        if (request.method !== 'publickey') request.reject(['publickey']);
        else void replaced().then(() => request.accept());
      },
    });
    const replaced = async (): Promise<void> => {
      await sidecars.forget('web').catch(() => undefined);
      await sidecars.add({ name: 'web', destination: 'elsewhere.example' }).catch(() => undefined);
    };
    const record = await sidecars.add({ name: 'web', destination: `127.0.0.1:${String(server.port)}`, identity });
    await expect(sidecars.open(record)).rejects.toMatchObject({ code: 'sidecar.unknown' });
    expect(pinned()).toEqual([]);
  });
});

function passOn(near: Socket, port: number): void {
  const far = connect({ host: '127.0.0.1', port });
  void once(far, 'connect').then(() => near.pipe(far).pipe(near));
  far.on('error', () => near.destroy());
  near.on('close', () => far.destroy());
}
