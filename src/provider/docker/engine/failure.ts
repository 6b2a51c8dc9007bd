import { SidecarError, type Facts } from '../../../errors.js';
import { isTlsCode } from '../../../transport/tls-codes.js';
import { engineHost, type EngineAddress } from './address.js';

/** How far a request had come when it failed. */
export interface Progress {
  readonly address: EngineAddress;
  /** Whether it may have reached the engine, and would have changed something. */
  readonly maybeApplied: boolean;
}

interface Reading {
  readonly reason: string;
  readonly suggestion?: string;
  readonly retryable: boolean;
}

/** The error of a request that got no whole answer. */
export function noAnswer(error: unknown, { address, maybeApplied }: Progress): SidecarError {
  const { retryable, ...words } = readError(error, address);
  const facts = { provider: 'docker', ...words, ...(maybeApplied ? { maybeApplied } : {}) };
  return new SidecarError('provider.unavailable', facts, { cause: error, retryable });
}

/** The error of an engine that does not answer in time. */
export function tooLate(limitMs: number, { address, maybeApplied }: Progress): SidecarError {
  const reason = `the engine at ${engineHost(address)} does not answer within ${limitMs / 1000} s`;
  return new SidecarError(
    'provider.failed',
    { reason, ...(maybeApplied ? { maybeApplied } : {}) },
    { retryable: true },
  );
}

function readError(error: unknown, address: EngineAddress): Reading {
  const code = codeOf(error);
  const at = engineHost(address);
  const message = error instanceof Error ? error.message : String(error);
  if (address.kind === 'ssh') {
    const said = error instanceof SidecarError ? String(error.facts['reason'] ?? message) : message;
    return {
      reason: `cannot reach the engine at ${at}: ${said.replace('the proxy command', 'ssh')}`,
      suggestion: `see that \`ssh ${address.destination.host} docker version\` works, and asks for nothing`,
      retryable: error instanceof SidecarError ? error.retryable === true : true,
    };
  }
  if (address.kind === 'unix' && (code === 'ENOENT' || code === 'ECONNREFUSED')) {
    return {
      reason: `no container engine is running at ${at}`,
      suggestion: 'start it (`sudo systemctl start docker`, Docker Desktop, or `podman system service`)',
      retryable: false,
    };
  }
  if (code === 'EACCES' || code === 'EPERM') {
    return {
      reason: `you may not use the container engine at ${at}`,
      suggestion: 'have yourself put into the group docker (`sudo usermod -aG docker "$USER"`) and log in again',
      retryable: false,
    };
  }
  if (code !== undefined && isTlsCode(code)) {
    return {
      reason: `TLS with the engine at ${at} failed: ${message}`,
      suggestion: 'see DOCKER_TLS_VERIFY and the ca.pem, cert.pem and key.pem in DOCKER_CERT_PATH',
      retryable: false,
    };
  }
  const words = code === undefined ? undefined : networkWords[code];
  if (words !== undefined) return { reason: `the engine at ${at}: ${words}`, retryable: true };
  return { reason: `the engine at ${at} cannot be spoken to: ${message}`, retryable: false };
}

const networkWords: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'the connection was cut before the answer was whole',
  ERR_STREAM_PREMATURE_CLOSE: 'the connection was cut before the answer was whole',
  EPIPE: 'the connection was cut',
  ETIMEDOUT: 'no answer',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'the network is unreachable',
  EAI_AGAIN: 'its name cannot be looked up just now',
  ENOTFOUND: 'its name does not resolve',
};

function codeOf(error: unknown): string | undefined {
  if (error instanceof AggregateError) return codeOf(error.errors[0]);
  const { code } = error as { readonly code?: unknown };
  return typeof code === 'string' ? code : undefined;
}

/** The error of a request that the engine refuses. `doing` follows "the engine cannot". */
export function refused(
  { status, message }: { readonly status: number; readonly message: string },
  doing: string,
  facts: Facts = {},
): SidecarError {
  const passes = status === 502 || status === 503 || status === 504;
  const reason = `the engine does not ${doing}: ${message}`;
  // What stands between may have had no answer in time, from an engine that works on it.
  const uncertain = passes && status !== 503 ? { maybeApplied: true } : {};
  return new SidecarError('provider.failed', { reason, status, ...uncertain, ...facts }, { retryable: passes });
}
