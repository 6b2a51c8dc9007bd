import type { Duplex } from 'node:stream';
import { SidecarError } from '../../errors.js';
import type { CallOptions } from '../provider.js';
import { labelOf } from './labels.js';
import type { Container } from './engine/answers.js';
import { refusedStatus, type Engine } from './engine/engine.js';
import type { ExecStream } from './engine/exec-stream.js';
import { scriptFailure } from './exec-failure.js';
import { serve } from './scripts.js';

/**
 * Starts an SSH server in a container, for one connection over its stdin and stdout. Resolves when it has said its first
 * word, so that whatever keeps it from that is told as it is.
 */
export async function connectTo(
  container: Container,
  user: string,
  { engine, signal }: CallOptions & { readonly engine: Engine },
): Promise<Duplex> {
  const name = labelOf(container, 'name') ?? '';
  const started = await startServer(container.Id, user, { engine, signal });
  const { stream } = started;
  const onAbort = (): void => void stream.destroy();
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    if (await isSpoken(stream)) return stream;
    signal?.throwIfAborted();
    throw await whyNot(started);
  } catch (error) {
    stream.destroy();
    throw error;
  } finally {
    signal?.removeEventListener('abort', onAbort);
  }

  async function whyNot({ id }: { readonly id: string }): Promise<SidecarError> {
    const now = await engine.container(container.Id, { signal });
    if (now?.State.Status !== 'running') return notRunning(name);
    const exitCode = await engine.exitCode(id, { signal });
    if (exitCode !== null) return scriptFailure({ exitCode, stderr: stream.words });
    return passing(name, 'the engine cut the connection to its container');
  }
}

async function startServer(id: string, user: string, { engine, signal }: CallOptions & { readonly engine: Engine }) {
  try {
    return await engine.exec(id, { argv: ['/bin/sh', '-c', serve, 'sidecar', user], user: '0' }, { signal });
  } catch (error) {
    const status = refusedStatus(error);
    // It stopped, or was removed, since it was looked at; podman says the one with 409 or 500.
    const now = status === undefined ? undefined : await engine.container(id, { signal });
    if (status === 404 || (status !== undefined && now?.State.Status !== 'running')) throw notRunning('', error);
    throw error;
  }
}

/** Waits until there is something to read, and leaves it there. */
function isSpoken(stream: ExecStream): Promise<boolean> {
  return new Promise((resolve) => {
    const settle = (): void => {
      for (const event of ['readable', 'end', 'error', 'close']) stream.off(event, settle);
      const isThere = stream.readableLength > 0 && !stream.destroyed;
      resolve(isThere);
    };
    for (const event of ['readable', 'end', 'error', 'close']) stream.on(event, settle);
  });
}

function notRunning(name: string, cause?: unknown): SidecarError {
  return passing(name, 'its container has just stopped', cause);
}

function passing(name: string, reason: string, cause?: unknown): SidecarError {
  return new SidecarError('ssh.unreachable', { host: name, port: 0, reason }, { cause, retryable: true });
}
