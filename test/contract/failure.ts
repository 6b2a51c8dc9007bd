import { expect } from 'vitest';
import { SidecarError } from '../../src/errors.js';
import { classify } from '../../src/retry/classify.js';
import type { AskPassphrase } from '../../src/transport/passphrase.js';
import type { Transport } from '../../src/transport/transport.js';

export interface FailingLogin {
  readonly host?: string;
  readonly port: number;
  readonly user?: string;
  readonly keys?: readonly string[];
  readonly hostKeyLine?: string;
  readonly knownHostsFiles?: readonly string[];
  readonly revokedHostKeysFile?: string;
  readonly firstUseRefusedBy?: string;
  readonly timeoutMs?: number;
  readonly keepaliveMs?: number;
  readonly askPassphrase?: AskPassphrase;
}

export interface ConnectorUnderTest {
  /** One attempt, with nothing of the user's own. */
  readonly connect: (login: FailingLogin) => Promise<Transport>;
  /** Long enough to reach a server on loopback, in milliseconds. */
  readonly shortMs: number;
  /** How it says that nothing answers any more. */
  readonly silence: string;
}

/** How connecting failed. */
export async function failureOf(connecting: Promise<Transport>): Promise<SidecarError> {
  const outcome: unknown = await connecting.then(
    async (transport) => {
      await transport.close();
      return 'it connected';
    },
    (error: unknown) => error,
  );
  if (!(outcome instanceof SidecarError)) throw new Error(`expected a SidecarError, got ${String(outcome)}`);
  return outcome;
}

export function expectNetwork(error: SidecarError, facts: object = {}): void {
  expect(error).toMatchObject({ code: 'ssh.unreachable', facts });
  expect(classify(error, { unknown: 'fail' })).toBe('retry');
}

export function expectPermanent(error: SidecarError, expected: object): void {
  expect(error).toMatchObject(expected);
  expect(classify(error, { unknown: 'retry' })).toBe('fail');
}
