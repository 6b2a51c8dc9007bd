import path from 'node:path';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type Server } from 'node:net';
import { once } from 'node:events';
import { chmodSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Engine } from '../../../src/provider/docker/engine/engine.js';
import { findContainer } from '../../../src/provider/docker/find-container.js';
import type { Provider } from '../../../src/provider/provider.js';
import { describeWithEngine } from '../../fakes/docker.js';
import { scratch, type Scratch } from '../../fakes/git-repo.js';
import { EngineBed, providerOf } from './bed.js';
import { FaultyEngine, type Fault } from './faulty-engine.js';

describeWithEngine('docker', 'a creation over a connection that fails', () => {
  let bed: EngineBed;
  let faulty: FaultyEngine;
  let provider: Provider;
  let place: Scratch;
  beforeAll(async () => {
    bed = await EngineBed.start('docker');
    place = scratch();
    faulty = await FaultyEngine.before(bed.docker.host, path.join(place.path, 'socket'));
    provider = await providerOf(faulty.host);
  });
  afterAll(async () => {
    await faulty[Symbol.asyncDispose]();
    await bed[Symbol.asyncDispose]();
    place.remove();
  });
  afterEach(() => {
    faulty.heal();
    for (const name of bed.containers()) bed.docker.run('rm', '--force', name);
  });

  const steps = {
    'the container is made': /^POST .containers.create$/,
    'its files are put in': /^PUT .*archive$/,
    'it is started': /^POST .*start$/,
    'it is looked into': /^POST .containers.*exec$/,
    'a program is started in it': /^POST .exec.*start$/,
  };
  const cuts: readonly Fault[] = [{ kind: 'cut-before' }, { kind: 'cut-after' }, { kind: 'cut-in-answer' }];
  const cases = Object.keys(steps).flatMap((step) => cuts.map((fault) => [step, fault] as const));

  it.each(cases)(
    'leaves nothing, or says that it may have, where %s (%o); and made again it is one machine',
    async (step, fault) => {
      const spec = await bed.spec('web');
      faulty.spoil(steps[step as keyof typeof steps], fault);
      const error: unknown = await provider.create(spec).then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      // Whether an answer without a body is cut makes no difference.
      if (error !== undefined) {
        expect(error).toMatchObject({ code: 'provider.unavailable' });
        const { maybeApplied = false } = (error as { facts: { maybeApplied?: boolean } }).facts;
        if (!maybeApplied) expect(bed.containers()).toEqual([]);
      }
      const machine = await provider.create(spec);
      expect(bed.containers()).toEqual(['sidecar-web']);
      expect(await bed.run(machine, spec, 'echo hello')).toBe('hello');
      await provider.delete(spec);
      expect(bed.containers()).toEqual([]);
    },
  );

  it('puts files in again where the engine fails to, as it may for one that another creation is at, and not for ever', async () => {
    const spec = await bed.spec('web');
    const failure = { kind: 'answer', status: 500, message: 'file exists' } as const;
    faulty.spoil(/^PUT/, failure, 3);
    expect(await bed.run(await provider.create(spec), spec, 'echo hello')).toBe('hello');
    await provider.delete(spec);
    faulty.spoil(/^PUT/, failure, 4);
    await expect(provider.create(spec)).rejects.toMatchObject({
      code: 'provider.failed',
      facts: { reason: 'the engine does not take files: file exists' },
    });
    expect(bed.containers()).toEqual([]);
  });

  it('says that there may be a machine where it cannot be removed either, and a deletion removes it', async () => {
    const spec = await bed.spec('web');
    faulty.spoil(/^PUT/, { kind: 'cut-before' });
    faulty.spoil(/^DELETE/, { kind: 'cut-before' });
    await expect(provider.create(spec)).rejects.toMatchObject({ retryable: true, facts: { maybeApplied: true } });
    expect(bed.containers()).toEqual(['sidecar-web']);
    await provider.delete(spec);
    expect(bed.containers()).toEqual([]);
  });

  it.each([
    ['leaves nothing', [], []],
    ['or says that it may have', ['DELETE'], ['sidecar-web']],
  ])('%s, where the container cannot be looked at once it is made', async (_, unheard, left) => {
    const spec = await bed.spec('web');
    const known = /^GET .containers.[0-9a-f]{64}.json$/;
    faulty.spoil(known, { kind: 'cut-before' });
    for (const method of unheard) faulty.spoil(new RegExp(`^${method}`), { kind: 'cut-before' });
    const error: unknown = await provider.create(spec).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'provider.unavailable', retryable: true });
    const { facts } = error as { facts: { maybeApplied?: boolean } };
    expect([facts.maybeApplied ?? false, bed.containers()]).toEqual([left.length > 0, left]);
    await provider.delete(spec);
    expect(bed.containers()).toEqual([]);
  });

  it('says that there may be a machine where the name is taken, and nobody tells by what', async () => {
    const spec = await bed.spec('web');
    faulty.spoil(/^POST .containers.create$/, { kind: 'answer', status: 409, message: 'the name is in use' });
    const creation = provider.create(spec);
    while (faulty.asked.at(-1) !== 'POST /containers/create') await new Promise(setImmediate);
    faulty.spoil(/^GET .containers/, { kind: 'cut-before' });
    await expect(creation).rejects.toMatchObject({ facts: { maybeApplied: true } });
  });

  it('says that there is a machine where the answer about it makes no sense, and a deletion removes it', async () => {
    const spec = await bed.spec('web');
    faulty.spoil(/^POST .containers.create$/, { kind: 'garbled' });
    await expect(provider.create(spec)).rejects.toMatchObject({ retryable: false, facts: { maybeApplied: true } });
    expect(bed.containers()).toEqual(['sidecar-web']);
    await provider.delete(spec);
    expect(bed.containers()).toEqual([]);
  });

  it('that is aborted rejects with the reason, and can be made again or deleted', async () => {
    const spec = await bed.spec('web');
    faulty.spoil(/^PUT/, { kind: 'silence' });
    const leaving = new AbortController();
    const reason = new Error('enough');
    const creation = provider.create(spec, { signal: leaving.signal });
    while (!faulty.asked.at(-1)?.startsWith('PUT')) await new Promise(setImmediate);
    leaving.abort(reason);
    await expect(creation).rejects.toBe(reason);
    expect((await provider.create(spec)).state).toBe('running');
    await provider.delete(spec);
    expect(bed.containers()).toEqual([]);
  });

  it('that is aborted while the container is made leaves none', async () => {
    const spec = await bed.spec('web');
    const leaving = new AbortController();
    const reason = new Error('enough');
    const creation = provider.create(spec, { signal: leaving.signal });
    while (faulty.asked.at(-1) !== 'POST /containers/create') await new Promise(setImmediate);
    leaving.abort(reason);
    await expect(creation).rejects.toBe(reason);
    expect(bed.containers()).toEqual([]);
  });

  it.each([
    [500, false],
    [503, true],
    [504, true],
  ])('is told in the words of the engine, and %i is waited for: %s', async (status, retryable) => {
    faulty.spoil(/^POST .containers.create/, { kind: 'answer', status, message: 'devmapper: no space left' });
    await expect(provider.create(await bed.spec('web'))).rejects.toMatchObject({
      code: 'provider.failed',
      retryable,
      facts: { name: 'web', reason: expect.stringContaining('devmapper: no space left') as string },
    });
  });

  it('tells the engine as one that is too old, is none, or wants TLS', async () => {
    const spec = await bed.spec('web');
    const tell = async (answer: Fault): Promise<unknown> => {
      faulty.spoil(/^GET .version/, answer);
      return (await providerOf(faulty.host)).create(spec).catch((error: unknown) => error);
    };
    expect(
      await tell({ kind: 'answer', status: 400, message: 'Client sent an HTTP request to an HTTPS server.' }),
    ).toMatchObject({
      facts: { suggestion: expect.stringContaining('DOCKER_TLS_VERIFY') as string },
      retryable: false,
    });
    expect(await tell({ kind: 'answer', status: 200, message: 'hello' })).toMatchObject({
      facts: { reason: expect.stringContaining('no container engine') as string },
      retryable: false,
    });
  });
});

describe('an engine', () => {
  let place: Scratch;
  let server: Server | undefined;
  beforeAll(() => {
    place = scratch();
  });
  afterEach(() => server?.close());
  afterAll(() => place.remove());

  /** Says the same to everyone. */
  async function saying(answer: string): Promise<Engine> {
    const socket = path.join(place.path, `socket-${Math.random()}`);
    server = createServer((client) => {
      client.on('error', () => undefined).once('data', () => client.end(answer));
    }).listen(socket);
    await once(server, 'listening');
    return new Engine({ address: { kind: 'unix', path: socket }, env: {} });
  }

  it('that lists the containers of others, too, has none of them taken for a machine', async () => {
    const others = { Id: 'a1', Name: '/web', Created: '', State: { Status: 'running' }, Config: { Labels: {} } };
    const web = createHttpServer((asked, answer) => {
      const listed = asked.url?.includes('/containers/json') === true;
      const about = asked.url?.endsWith('/version') === true ? { ApiVersion: '1.44' } : others;
      answer.setHeader('Content-Type', 'application/json').end(JSON.stringify(listed ? [{ Id: 'a1' }] : about));
    });
    const socket = path.join(place.path, 'lists-all');
    server = web.listen(socket);
    await once(web, 'listening');
    const engine = new Engine({ address: { kind: 'unix', path: socket }, env: {} });
    expect(await engine.containersLabelled(['dev.sidecar.name=web'])).toEqual(['a1']);
    expect(await findContainer(engine, { name: 'web', requestId: 'r' }, {})).toBeUndefined();
  });

  const http = (body: string, status = '200 OK'): string =>
    `HTTP/1.1 ${status}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

  it('that is too old is told so, with the version that is needed', async () => {
    const engine = await saying(http('{"ApiVersion":"1.40","MinAPIVersion":"1.12","Version":"19.03"}'));
    await expect(engine.container('x')).rejects.toMatchObject({
      facts: {
        reason: expect.stringContaining('too old: 19.03 speaks version 1.40') as string,
        suggestion: expect.stringContaining('1.41') as string,
      },
      retryable: false,
    });
  });

  it.each([
    ['an answer that is not whole', 'HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n{"ApiV', true],
    ['no answer', '', true],
    ['no HTTP', 'SSH-2.0-OpenSSH\r\n', false],
    ['no JSON', http('<html>'), false],
    ['no version', http('{"ApiVersion":7}'), false],
  ])('that gives %s is told so, and waited for: %s', async (_, answer, retryable) => {
    const engine = await saying(answer);
    await expect(engine.container('x')).rejects.toMatchObject({
      code: expect.stringMatching(/^provider/) as string,
      retryable,
    });
  });

  it('that is not running is told so, with how it is started', async () => {
    const engine = new Engine({ address: { kind: 'unix', path: path.join(place.path, 'none') }, env: {} });
    await expect(engine.container('x')).rejects.toMatchObject({
      code: 'provider.unavailable',
      retryable: false,
      facts: {
        reason: expect.stringContaining('no container engine is running at unix://') as string,
        suggestion: expect.stringContaining('systemctl start docker') as string,
      },
    });
  });

  it.skipIf(process.getuid?.() === 0)('that may not be used is told so, with the group to be in', async () => {
    const engine = await saying('');
    const [socket] = [server?.address()];
    if (typeof socket === 'string') chmodSync(socket, 0);
    await expect(engine.container('x')).rejects.toMatchObject({
      facts: { suggestion: expect.stringContaining('group docker') as string },
    });
  });
});
