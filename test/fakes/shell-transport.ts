import { spawn } from 'node:child_process';
import type { Channel, Exit, Transport } from '../../src/transport/transport.js';

/** A "far side" that is a shell on this machine with a home directory of its own: the sync protocol without SSH. */
export function shellTransport(
  home: string,
  options: { readonly shell?: string; readonly env?: Record<string, string> } = {},
): Transport {
  const children = new Set<ReturnType<typeof spawn>>();
  return {
    exec(command, { signal } = {}) {
      const child = spawn(options.shell ?? '/bin/sh', ['-c', command], {
        cwd: home,
        env: { PATH: process.env['PATH'], HOME: home, USER: 'dev', ...options.env },
        stdio: ['pipe', 'pipe', 'pipe'],
      });
      children.add(child);
      const exit = new Promise<Exit>((resolve) => {
        child.once('close', (code, signal) => {
          children.delete(child);
          resolve(
            signal === null ? { kind: 'code', code: code ?? 1 } : { kind: 'signal', signal: signal.replace('SIG', '') },
          );
        });
      });
      signal?.addEventListener('abort', () => {
        child.stdin.destroy();
        child.stdout.destroy(signal.reason as Error);
      });
      const channel: Channel = {
        stdin: child.stdin,
        stdout: child.stdout,
        stderr: child.stderr,
        exit,
        close: () => child.stdin.destroy(),
      };
      return Promise.resolve(channel);
    },
    forward: () => Promise.reject(new Error('a shell forwards nothing')),
    closed: new Promise(() => undefined),
    close() {
      for (const child of children) child.stdin?.destroy();
      return Promise.resolve();
    },
  };
}
