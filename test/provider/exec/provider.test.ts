import { existsSync, readFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/clock.js';
import { callLimitsMs } from '../../../src/provider/exec/ask.js';
import type { ProviderProgram } from '../../../src/provider/exec/program.js';
import { execProvider } from '../../../src/provider/exec/provider.js';
import type { Machine, MachineSpec, Provider } from '../../../src/provider/provider.js';
import { fakeClock } from '../../fakes/clock.js';
import { scratch, type Scratch } from '../../fakes/git-repo.js';
import { processEnded } from '../../fakes/processes.js';
import { writeProviderProgram } from '../../fakes/provider-program.js';

const version = '"apiVersion":"sidecar.dev/provider/v1"';
const sidecar = `{"id":"m-1","name":"web","requestId":"r-1","state":"running"}`;
const ref = { name: 'web', requestId: 'r-1' };
const spec: MachineSpec = {
  ...ref,
  image: 'debian',
  hostKey: { privateKey: 'HOST-SECRET', publicKey: 'ssh-ed25519 AAAA' },
  authorizedKeys: ['ssh-ed25519 BBBB'],
  options: { size: 2 },
};
const everything = '"start":true,"stop":true,"authorizeKey":true,"connect":true';

describe('a provider that is a program', () => {
  let place: Scratch;

  beforeEach(() => {
    place = scratch();
  });
  afterEach(() => place.remove());

  const at = (name: string): string => join(place.path, name);
  const said = (name: string): string => readFileSync(at(name), 'utf8');

  /** Answers `capabilities`; `script` says what it does for the rest. */
  async function program(script: string, capabilities = everything): Promise<ProviderProgram> {
    const place = `"place":{"zone":"eu"}`;
    const first = `[ "$1" != capabilities ] || { echo '{${version},"capabilities":{${capabilities}},${place}}'; exit; }`;
    return writeProviderProgram(at(''), 'vms', `${first}\ncd '${at('')}'\n${script}`);
  }
  async function open(
    script: string,
    { capabilities, ...options }: Partial<Parameters<typeof execProvider>[0]> & { capabilities?: string } = {},
  ): Promise<Provider> {
    const { env } = process;
    return execProvider({ program: await program(script, capabilities), env, clock: systemClock, ...options });
  }

  describe('is asked', () => {
    it('what it can do, and has the methods for that alone', async () => {
      const provider = await open('', { capabilities: '"hostKey":"given","stop":true,"new":1' });
      expect(await provider.capabilities()).toEqual({
        ...{ idempotentCreate: false, readsLag: false, hostKey: 'given' },
        ...{ start: false, stop: true, authorizeKey: false, connect: false },
      });
      expect([provider.start, provider.authorizeKey, provider.connect]).toEqual([undefined, undefined, undefined]);
      expect(provider).toMatchObject({ name: 'vms', place: { zone: 'eu' } });
    });

    it('for a machine with all of its spec on stdin, in the place that it named', async () => {
      const provider = await open(`cat > request; echo '{${version},"sidecar":${sidecar},"more":[]}'`);
      expect(await provider.create(spec)).toEqual(JSON.parse(sidecar));
      expect(JSON.parse(said('request'))).toEqual({
        ...{ apiVersion: 'sidecar.dev/provider/v1', place: { zone: 'eu' }, spec },
      });
    });

    it('in the place of the record, whatever it would name today', async () => {
      const provider = await open(`cat > request; echo '{${version},"sidecars":[]}'`, { place: { zone: 'us' } });
      expect(await all(provider)).toEqual([]);
      expect(JSON.parse(said('request'))).toMatchObject({ place: { zone: 'us' } });
    });

    it.each([
      ['delete', (provider: Provider) => provider.delete(ref), {}],
      ['start', (provider: Provider) => provider.start?.(ref), {}],
      ['stop', (provider: Provider) => provider.stop?.(ref), {}],
      [
        'authorize-key',
        (provider: Provider) => provider.authorizeKey?.(ref, 'ssh-ed25519 CC'),
        { publicKey: 'ssh-ed25519 CC' },
      ],
    ])('to %s a machine', async (call, act, more) => {
      const provider = await open(`echo "$@" > call; cat > request; echo '{${version}}'`);
      await act(provider);
      expect(said('call')).toBe(`${call}\n`);
      expect(JSON.parse(said('request'))).toMatchObject({ machine: ref, ...more });
    });

    it('without secrets in its arguments and its environment, and otherwise with those of the user', async () => {
      const env = { ...process.env, SIDECAR_TOKEN: 'TOKEN-SECRET', KUBECONFIG: '/k', DOCKER_HOST: 'unix:///d' };
      const provider = await open(
        `cat /proc/$$/cmdline /proc/$$/environ > seen; cat > request
         echo '{${version},"sidecar":${sidecar}}'`,
        { env },
      );
      await provider.create(spec);
      expect(said('seen')).not.toMatch(/SECRET/);
      expect(said('seen')).toContain('KUBECONFIG=/k');
      expect(said('seen')).toContain('DOCKER_HOST=unix:///d');
      expect(said('request')).toContain('HOST-SECRET');
    });
  });

  describe('answers', () => {
    const describeWith = async (answer: string): Promise<Machine | undefined> =>
      (await open(`echo '{${version},"sidecar":${answer}}'`)).describe(ref);

    it('how a machine is, with keys as records hold them', async () => {
      const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIWo0pKxU2KXoQVw0sT6FL7rK1QbQ2qYmpjQaLVcGqzU';
      const ssh = `{"endpoint":{"kind":"connect"},"user":"dev","hostKeys":["${key} root@web"]}`;
      const machine = `{"id":"m-1","name":"web","requestId":"r-1","state":"starting","reason":"pulling","ssh":${ssh}}`;
      expect(await describeWith(machine)).toEqual({
        ...{ id: 'm-1', ...ref, state: 'starting', reason: 'pulling' },
        ssh: { endpoint: { kind: 'connect' }, user: 'dev', hostKeys: [key] },
      });
    });

    it('that there is no machine: by null, by not_found, and by one of another request id', async () => {
      expect(await describeWith('null')).toBeUndefined();
      expect(await describeWith(sidecar.replace('r-1', 'r-2'))).toBeUndefined();
      const provider = await open(`echo '{${version},"error":{"code":"not_found","message":"no"}}'`);
      expect(await provider.describe(ref)).toBeUndefined();
      let isKnown = true;
      await provider.delete(ref, { onUnknown: () => (isKnown = false) });
      expect(isKnown).toBe(false);
      await expect(provider.stop?.(ref)).rejects.toMatchObject({ code: 'provider.gone' });
    });

    it.each([
      ['not_found', 'provider.gone', false, false],
      ['conflict', 'sidecar.exists', false, false],
      ['unauthenticated', 'provider.unauthenticated', false, false],
      ['quota', 'provider.quota', false, false],
      ['invalid', 'usage.invalid', false, false],
      ['unavailable', 'provider.unavailable', true, true],
      ['internal', 'provider.failed', false, true],
      ['of-tomorrow', 'provider.failed', false, true],
      ['constructor', 'provider.failed', false, true],
    ])('%s, which is %s', async (code, ours, retryable, maybeApplied) => {
      const provider = await open(`echo '{${version},"error":{"code":"${code}","message":"the why"}}'; exit 1`);
      await expect(provider.create(spec)).rejects.toMatchObject({
        ...{ code: ours, retryable },
        facts: { reason: 'the why', provider: 'vms', name: 'web', maybeApplied },
      });
    });

    it('an error that says more, whatever it exits with', async () => {
      const error = '{"code":"quota","message":"m","retryable":true,"retryAfterMs":1500,"maybeApplied":true}';
      const provider = await open(`echo '{${version},"error":${error}}'`);
      await expect(provider.create(spec)).rejects.toMatchObject({
        ...{ code: 'provider.quota', retryable: true },
        facts: { retryAfterMs: 1500, maybeApplied: true },
      });
    });
  });

  describe('breaks the protocol', () => {
    const wellFormed = `{${version},"sidecar":${sidecar}}`;
    it.each([
      ['with words instead of JSON', 'echo created web', /not one JSON object: "created web"/],
      ['with two documents', `echo '${wellFormed}'; echo '${wellFormed}'`, /not one JSON object/],
      ['with words before the document', `echo Creating; echo '${wellFormed}'`, /not one JSON object/],
      ['with a list', `echo '[${wellFormed}]'`, /not one JSON object/],
      ['with no answer at all', 'true', /no answer/],
      [
        'with another major version',
        `echo '${wellFormed.replace('/v1', '/v2')}'`,
        /version "sidecar\.dev\/provider\/v2"/,
      ],
      ['without a version', `echo '{"sidecar":${sidecar}}'`, /version none/],
      ['with a state that there is not', `echo '${wellFormed.replace('running', 'up')}'`, /sidecar\.state/],
      ['without an id', `echo '${wellFormed.replace('"id":"m-1",', '')}'`, /sidecar\.id/],
      ['with another machine', `echo '${wellFormed.replace('r-1', 'r-2')}'`, /another name or request id/],
      [
        'with success, and an exit code that says otherwise',
        `echo '${wellFormed}'; exit 3`,
        /all went well, but it exited with 3/,
      ],
      [
        'with a host key that is none',
        `echo '${wellFormed.replace('"running"', '"running","ssh":{"endpoint":{"kind":"connect"},"user":"u","hostKeys":["x"]}')}'`,
        /host key that is none/,
      ],
      ['with more than a mebibyte', 'head -c 1100000 /dev/zero | tr "\\0" " "; exec sleep 60', /longer than 1024 KiB/],
    ])('%s', async (_, script, reason) => {
      await expect((await open(script)).create(spec)).rejects.toMatchObject({
        ...{ code: 'provider.protocol', retryable: false },
        facts: { reason: expect.stringMatching(reason) as string, call: 'create', maybeApplied: true },
      });
    });

    it('but may be newer within the version, and answer with more than was asked for', async () => {
      const newer = wellFormed.replace('/v1', '/v1.7').replace('"id"', '"price":1,"id"');
      expect(await (await open(`echo '${newer}'`)).create(spec)).toEqual(JSON.parse(sidecar));
    });
  });

  describe('does not come to an answer', () => {
    it.each([
      [
        'exits',
        'echo Logging in >&2; echo "no such zone" >&2; exit 3',
        'it exited with 3 without an answer',
        'no such zone',
      ],
      ['dies midway', `printf '{${version},'; kill -KILL $$`, 'it was ended by SIGKILL without an answer', undefined],
      ['fails with words on stdout', 'echo oops; exit 1', 'it exited with 1 without an answer', undefined],
    ])('when it %s', async (_, script, reason, said) => {
      const provider = await open(script);
      await expect(provider.create(spec)).rejects.toMatchObject({
        ...{ code: 'provider.failed', retryable: false },
        facts: { reason, ...(said === undefined ? {} : { said }), maybeApplied: true, provider: 'vms' },
      });
      await expect(provider.describe(ref)).rejects.not.toMatchObject({ facts: { maybeApplied: true } });
    });

    it.each([
      ['is not there', undefined, 0o755, /no such program/],
      ['is not executable', '#!/bin/sh\n', 0o644, /not executable/],
      ['has no interpreter', '#!/no/such/shell\n', 0o755, /first line/],
    ])('when it %s', async (_, script, mode, reason) => {
      if (script !== undefined) await writeFile(at('own'), script, { mode });
      const own = { name: 'own', command: [at('own')] as [string], source: 'settings' as const };
      const opening = execProvider({ program: own, env: process.env, clock: systemClock });
      await expect(opening).rejects.toMatchObject({
        ...{ code: 'provider.missing', retryable: false },
        facts: { provider: 'own', command: [at('own')], reason: expect.stringMatching(reason) as string },
      });
    });

    it('while something that it left behind holds its output', async () => {
      const provider = await open(`setsid sleep 60 & echo $! > pid; echo '{${version},"sidecar":${sidecar}}'`);
      expect(await provider.create(spec)).toMatchObject({ id: 'm-1' });
      process.kill(Number(said('pid')));
    });
  });

  describe('takes too long', () => {
    it('and is ended with all that it started', async () => {
      const clock = fakeClock();
      const provider = await open('sleep 60 & echo $! > child; echo $$ > pid; echo ready >&2; wait', { clock });
      const { promise: ready, resolve } = deferred();
      const creating = provider.create(spec, { progress: () => resolve() });
      creating.catch(() => undefined);
      await ready;
      await clock.advance(callLimitsMs.create);
      await expect(creating).rejects.toMatchObject({
        ...{ code: 'provider.unavailable', retryable: true },
        facts: { reason: 'it gave no answer within 600 s', maybeApplied: true },
      });
      await Promise.all([said('pid'), said('child')].map((pid) => processEnded(Number(pid))));
    });

    it('and is killed 5 s after it ignored being told', async () => {
      const clock = fakeClock();
      const stop = new AbortController();
      const provider = await open(
        `trap 'echo asked >&2' TERM; echo $$ > pid; echo ready >&2; while :; do sleep 0.02; done`,
        {
          clock,
        },
      );
      const lines: string[] = [];
      const asked = deferred();
      const creating = provider.create(spec, {
        signal: stop.signal,
        progress: (line) => {
          lines.push(line);
          if (line === 'ready') stop.abort(new Error('Ctrl-C'));
          if (line === 'asked') asked.resolve();
        },
      });
      creating.catch(() => undefined);
      await asked.promise;
      await clock.advance(4_999);
      expect(existsSync(`/proc/${said('pid').trim()}`)).toBe(true);
      await clock.advance(1);
      await expect(creating).rejects.toThrow('Ctrl-C');
      await processEnded(Number(said('pid')));
    });

    it('and may tidy up when it is told to end', async () => {
      const stop = new AbortController();
      const provider = await open(`trap 'echo tidy > done; exit 1' TERM; echo ready >&2; while :; do sleep 0.02; done`);
      const creating = provider.create(spec, { signal: stop.signal, progress: () => stop.abort(new Error('Ctrl-C')) });
      await expect(creating).rejects.toThrow('Ctrl-C');
      expect(await readFile(at('done'), 'utf8')).toBe('tidy\n');
    });

    it('for nothing where it was aborted before', async () => {
      const provider = await open('echo ran > ran');
      const options = { signal: AbortSignal.abort(new Error('Ctrl-C')) };
      await expect(provider.create(spec, options)).rejects.toThrow('Ctrl-C');
      expect(existsSync(at('ran'))).toBe(false);
    });
  });

  describe('says how it goes', () => {
    const progressOf = async (script: string): Promise<string[]> => {
      const lines: string[] = [];
      const provider = await open(`${script}; echo '{${version},"sidecar":${sidecar}}'`);
      await provider.create(spec, { progress: (line) => lines.push(line) });
      return lines;
    };

    it('line by line, a bar of progress too, and the last one without an end', async () => {
      expect(await progressOf(`printf 'one\\n\\n 10%%\\r 20%%\\r\\nlast' >&2`)).toEqual([
        'one',
        ' 10%',
        ' 20%',
        'last',
      ]);
    });

    it('in whatever characters, which are for the renderer to escape', async () => {
      expect(await progressOf(`printf '\\033[2Jred\\n' >&2`)).toEqual(['\x1b[2Jred']);
    });

    it('within bounds', async () => {
      const [line = '', ...more] = await progressOf('head -c 5000000 /dev/zero | tr "\\0" x >&2');
      expect([line.length, more]).toEqual([501, []]);
      expect(await progressOf('yes | head -n 5000 >&2')).toHaveLength(2001);
    });
  });

  describe('connects', () => {
    it('with the stream as its stdin and stdout, and the request as its last argument', async () => {
      const provider = await open(`printf '%s' "$2" > request; echo SSH-2.0-fake; read line; echo "heard $line"`);
      const stream = await provider.connect?.({ ...ref, id: 'm-1' });
      stream?.write('hello\n');
      let heard = '';
      for await (const chunk of stream ?? []) heard += String(chunk);
      expect(heard).toBe('SSH-2.0-fake\nheard hello\n');
      expect(JSON.parse(said('request'))).toEqual({
        ...{ apiVersion: 'sidecar.dev/provider/v1', place: { zone: 'eu' }, machine: { ...ref, id: 'm-1' } },
      });
    });

    it('until the stream is closed, and then ends with all that it started', async () => {
      const provider = await open('sleep 60 & echo $! > child; echo $$ > pid; echo SSH-2.0-fake; wait');
      const stream = await provider.connect?.(ref);
      stream?.destroy();
      await Promise.all([said('pid'), said('child')].map((pid) => processEnded(Number(pid))));
    });

    it.each([
      [
        'an error',
        `echo 'looking' >&2; echo '{${version},"error":{"code":"unavailable","message":"asleep"}}' >&2; exit 1`,
        'provider.unavailable',
        'asleep',
      ],
      [
        'that it is gone',
        `echo '{${version},"error":{"code":"not_found","message":"gone"}}' >&2; exit 1`,
        'provider.gone',
        'gone',
      ],
      [
        'nothing in the form that was agreed',
        'echo "no route" >&2; exit 255',
        'ssh.unreachable',
        'vms: it exited with 255 before the SSH server spoke: no route',
      ],
      ['that it cannot run', 'nosuch; exit 127', 'provider.failed', 'it exited with 127 without an answer'],
    ])('or says %s on stderr', async (_, script, code, reason) => {
      const provider = await open(script);
      await expect(provider.connect?.(ref)).rejects.toMatchObject({ code, facts: { reason, call: 'connect' } });
    });

    it('or is ended, where the server says nothing', async () => {
      const clock = fakeClock();
      const provider = await open('echo $$ > pid; exec sleep 60', { clock });
      const connecting = provider.connect?.(ref);
      connecting?.catch(() => undefined);
      while (!existsSync(at('pid')) || said('pid') === '') await systemClock.sleep(5);
      await clock.advance(callLimitsMs.connect);
      await expect(connecting).rejects.toMatchObject({ code: 'provider.unavailable' });
      await processEnded(Number(said('pid')));
    });

    it('or is ended when nobody waits any more', async () => {
      const stop = new AbortController();
      const provider = await open('echo $$ > pid; exec sleep 60');
      const connecting = provider.connect?.(ref, { signal: stop.signal });
      connecting?.catch(() => undefined);
      while (!existsSync(at('pid')) || said('pid') === '') await systemClock.sleep(5);
      stop.abort(new Error('Ctrl-C'));
      await expect(connecting).rejects.toThrow('Ctrl-C');
      await processEnded(Number(said('pid')));
    });
  });
});

async function all(provider: Provider): Promise<Machine[]> {
  const machines: Machine[] = [];
  for await (const machine of provider.list()) machines.push(machine);
  return machines;
}

function deferred(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve: () => void = () => undefined;
  return { promise: new Promise((done) => (resolve = done)), resolve: () => resolve() };
}
