import { systemClock } from '../../clock.js';
import { SidecarError } from '../../errors.js';
import { maybeApplied, removedAfter } from '../maybe-applied.js';
import type { CallOptions, CreateOptions, MachineSpec } from '../provider.js';
import { containerSpec } from './container-spec.js';
import type { EngineAddress } from './engine/address.js';
import type { Container } from './engine/answers.js';
import type { Engine } from './engine/engine.js';
import { scriptFailure } from './exec-failure.js';
import { findContainer } from './find-container.js';
import { checkImage, haveImage, type ImageDeps } from './image.js';
import { containerName, areOf, labelOf } from './labels.js';
import { isNumber } from './machine.js';
import { dockerOptions, type DockerOptions } from './options.js';
import { check } from './scripts.js';
import { loginName, sshServerFiles } from './ssh-server.js';

export interface EngineDeps extends ImageDeps {
  readonly address: EngineAddress;
}

/**
 * Makes the container of a machine, puts its SSH server's files in, starts it and sees that users can log in. One that an
 * earlier attempt left half made is finished. One that cannot be finished is removed.
 */
export async function createContainer(
  spec: MachineSpec,
  { engine, world, address }: EngineDeps,
  options: CreateOptions,
): Promise<Container> {
  const { signal } = options;
  const wanted = dockerOptions(spec.options);
  checkPublished(wanted, address);
  const image = checkImage(spec.image);
  const found = await ours(spec, engine, { signal });
  const container = found ?? (await make(spec, { engine, world, image, wanted }, options));
  return finishOrRemove(container, spec, { engine, signal });
}

/** What has the name of the machine, where it is this one. Throws `sidecar.exists` for another. */
export async function ours(spec: MachineSpec, engine: Engine, options: CallOptions): Promise<Container | undefined> {
  const named = await engine.container(containerName(spec.name), options);
  if (named === undefined) return findContainer(engine, spec, options);
  if (areOf(named.Config.Labels, spec)) return named;
  const id = named.Id.slice(0, 12);
  const whose = labelOf(named, 'name') === spec.name ? 'of another sidecar' : 'of a container that is no sidecar';
  const reason = `${containerName(spec.name)} is the name ${whose} already: ${id} at ${engine.host}`;
  const suggestion = `choose another name, or remove it: \`docker rm -f ${id}\``;
  throw new SidecarError(
    'sidecar.exists',
    { name: spec.name, reason, suggestion, container: id },
    { retryable: false },
  );
}

async function make(
  spec: MachineSpec,
  { engine, world, image, wanted }: ImageDeps & { readonly image: string; readonly wanted: DockerOptions },
  options: CreateOptions,
): Promise<Container> {
  const { signal } = options;
  const { user: imageUser } = await haveImage({ engine, world }, image, wanted, options);
  const user = wanted.user ?? accountOf(imageUser);
  signal?.throwIfAborted();
  const patient = abortedLater(signal, patienceMs);
  const create = (init: boolean) =>
    engine.create(
      {
        name: containerName(spec.name),
        platform: wanted.platform,
        body: containerSpec(spec, wanted, { image, user, init }),
      },
      { signal: patient },
    );
  const made = await create(true).catch((error: unknown) => {
    // podman, without the program that it starts for it. The container's own process does without.
    if (error instanceof SidecarError && /\binit\b.*not found|catatonit/.test(error.message)) return create(false);
    throw error;
  });
  if (signal?.aborted === true && made.kind === 'made') await engine.remove(made.id, { signal: patient });
  signal?.throwIfAborted();
  switch (made.kind) {
    case 'made': {
      const container = await engine.container(made.id, { signal }).catch(async (error: unknown) => {
        if (signal?.aborted === true) throw error;
        throw await removedAfter(error, () => engine.remove(made.id));
      });
      if (container !== undefined) return container;
      throw new SidecarError('provider.failed', { reason: 'its container was removed as soon as it was made' });
    }
    case 'no-image':
      // It was removed just now; but for another platform, it stays as it is.
      throw new SidecarError(
        'provider.failed',
        { reason: made.message },
        { retryable: !made.message.includes('platform') },
      );
    case 'name-taken': {
      // Somebody was faster since we have looked: another, or an attempt of ours that was given up.
      const container = await whenKnown(() => ours(spec, engine, { signal }), signal).catch((error: unknown) => {
        throw error instanceof SidecarError && error.code === 'sidecar.exists' ? error : maybeApplied(error);
      });
      if (container !== undefined) return container;
      throw maybeApplied(new SidecarError('provider.failed', { reason: made.message }, { retryable: true }));
    }
  }
}

/** How long the answer to a creation that is given up is waited for, in milliseconds: else nobody would know what was made. */
const patienceMs = 5_000;

/** Aborts with the same reason, so much later. */
function abortedLater(signal: AbortSignal | undefined, ms: number): AbortSignal {
  const later = new AbortController();
  const onAbort = (): void => void setTimeout(() => later.abort(signal?.reason), ms).unref();
  signal?.addEventListener('abort', onAbort, { once: true });
  return later.signal;
}

/** How long a name may be taken by a container that is still being made, and how often that is looked at, in milliseconds. */
const makingMs = 30_000;
const lookEveryMs = 200;

/** An engine takes the name first, and knows nothing of the container until it is made. */
async function whenKnown<T>(
  look: () => Promise<T | undefined>,
  signal: AbortSignal | undefined,
): Promise<T | undefined> {
  for (let waitedMs = 0; waitedMs < makingMs; waitedMs += lookEveryMs) {
    const found = await look();
    if (found !== undefined) return found;
    await systemClock.sleep(lookEveryMs, signal);
  }
  return undefined;
}

/** Of `USER account:group` in an image. */
function accountOf(user: string): string {
  const [account = ''] = user.split(':', 1);
  return account === '' ? 'root' : account;
}

export interface Finishing extends CallOptions {
  readonly engine: Engine;
}

async function finishOrRemove(container: Container, spec: MachineSpec, finishing: Finishing): Promise<Container> {
  try {
    await finish(container, spec, finishing);
    return (await finishing.engine.container(container.Id, finishing)) ?? container;
  } catch (error) {
    if (finishing.signal?.aborted === true) throw error;
    throw await removedAfter(error, () => finishing.engine.remove(container.Id));
  }
}

async function finish(container: Container, spec: MachineSpec, { engine, signal }: Finishing): Promise<void> {
  const { Id: id, Config } = container;
  await putSurely(id, sshServerFiles(spec, Config.Env ?? []), { engine, signal });
  await engine.start(id, { signal });
  await checkLogin(id, labelOf(container, 'user') ?? 'root', { engine, signal });
}

/** How often files are put in that the engine fails to unpack. */
const putAttempts = 4;

/** Two creations of one machine may put in the same files at once, and podman fails for one that is just being replaced. */
async function putSurely(id: string, files: Uint8Array, { engine, signal }: Finishing): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await engine.putFiles(id, files, { signal });
      return;
    } catch (error) {
      const hasFailed = error instanceof SidecarError && error.facts['status'] === 500;
      if (!hasFailed || attempt === putAttempts) throw error;
      await systemClock.sleep(lookEveryMs, signal);
    }
  }
}

/** Sees that there is all that a login needs, and lets the account in. */
export async function checkLogin(id: string, user: string, { engine, signal }: Finishing): Promise<string> {
  const checked = await engine
    .run(id, { argv: ['/bin/sh', '-c', check, 'sidecar', user], user: '0' }, { signal })
    .catch(async (error: unknown) => {
      const now = await engine.container(id, { signal });
      if (now === undefined || now.State.Status === 'running') throw error;
      throw await endedAtOnce(now, { engine, signal });
    });
  if (checked.exitCode !== 0) throw scriptFailure(checked);
  const account = checked.stdout.trim();
  if (isNumber(user) && account !== user) await engine.putFiles(id, loginName(account), { signal });
  return account;
}

async function endedAtOnce({ Id: id, State }: Container, { engine, signal }: Finishing): Promise<SidecarError> {
  const words = await engine.lastWords(id, { signal }).catch(() => '');
  const reason = `its container ended at once, with exit code ${State.ExitCode}${words === '' ? '' : `: ${words}`}`;
  const suggestion = 'the image needs sh, git and sshd';
  return new SidecarError('provider.failed', { reason, suggestion }, { retryable: false });
}

/** A port of another machine's loopback is of no use here. */
function checkPublished({ publish, network }: DockerOptions, address: EngineAddress): void {
  if (publish === undefined) return;
  const isLoopback = /^127\.|^::1$/.test(publish.bind);
  if (address.kind !== 'unix' && isLoopback) {
    throw new SidecarError('usage.invalid', {
      reason: `the engine is on another machine, and ${publish.bind} is reached from there alone`,
      suggestion: 'leave out `publish`, which is not needed, or publish on an address, as in `publish=0.0.0.0:2222`',
    });
  }
  if (network === 'host' || network === 'none') {
    const reason = `a container publishes no port on the network ${network}`;
    throw new SidecarError('usage.invalid', { reason, suggestion: 'leave out `publish`, which is not needed' });
  }
}
