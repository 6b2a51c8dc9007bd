import { SidecarError, type ErrorCode, type Facts } from '../../errors.js';
import type { Call, Failure } from './protocol.js';
import type { ProcessEnd } from './provider-process.js';
import type { ProviderProgram } from './program.js';

/** What was asked of which program: what every error about it tells. */
export interface Asked {
  readonly program: ProviderProgram;
  readonly call: Call;
  /** The sidecar it was about, where it was about one. */
  readonly name?: string | undefined;
}

/** A creation that was not answered may have been carried out; what else is asked can be asked again. */
const unanswered = ({ call }: Asked): Facts => (call === 'create' ? { maybeApplied: true } : {});

function about({ program, call, name }: Asked): Facts {
  return { provider: program.name, command: program.command, call, ...(name === undefined ? {} : { name }) };
}

/** It broke the protocol: waiting does not cure that, and its author has to be told. */
export function protocolError(asked: Asked, reason: string): SidecarError {
  return new SidecarError('provider.protocol', { ...about(asked), reason, ...unanswered(asked) }, { retryable: false });
}

export function tooSlow(asked: Asked, limitMs: number): SidecarError {
  const reason = `it gave no answer within ${limitMs / 1000} s`;
  return new SidecarError(
    'provider.unavailable',
    { ...about(asked), reason, ...unanswered(asked) },
    { retryable: true },
  );
}

/** It was never started. */
export function notStarted(asked: Asked, error: unknown): SidecarError {
  const { code, message } = error as NodeJS.ErrnoException;
  const reason = notStartedWords[code ?? ''] ?? message;
  return new SidecarError('provider.missing', { ...about(asked), reason }, { cause: error, retryable: false });
}

const notStartedWords: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such program, or not the one that its first line (#!) names',
  EACCES: 'it is not executable',
  ENOEXEC: 'it is no program: a script begins with #! and the path of its interpreter',
  E2BIG: 'its arguments are too long',
};

/** It ended without a word in the form that was agreed. `how` as in "it exited with 3". */
export function diedSilently(asked: Asked, how: string, lastWords: string | undefined): SidecarError {
  const reason = `${how} without an answer`;
  const said: Facts = lastWords === undefined ? {} : { said: lastWords };
  return new SidecarError(
    'provider.failed',
    { ...about(asked), reason, ...said, ...unanswered(asked) },
    { retryable: false },
  );
}

/**
 * Its stream ended before the SSH server spoke, and it does not say why. A machine that boots has no such server yet, so
 * waiting may help; not where a shell says, by 126 or 127, that it could not run what it was to run.
 */
export function endedUnspoken(
  asked: Asked,
  { how, exitCode }: ProcessEnd,
  lastWords: string | undefined,
): SidecarError {
  if (exitCode === 126 || exitCode === 127) return diedSilently(asked, how, lastWords);
  const reason = `${asked.program.name}: ${how} before the SSH server spoke${lastWords === undefined ? '' : `: ${lastWords}`}`;
  return new SidecarError('ssh.unreachable', { ...about(asked), reason }, { retryable: true });
}

/** What it says itself went wrong. */
export function failed(asked: Asked, failure: Failure): SidecarError {
  const { code, message, retryAfterMs } = failure;
  const known = Object.hasOwn(codes, code) ? codes[code] : undefined; // `constructor` is none
  const isOpen = code === 'unavailable' || known === undefined;
  const { retryable = code === 'unavailable', maybeApplied = isOpen } = failure;
  return new SidecarError(
    asked.call === 'create' && code === 'conflict' ? 'sidecar.exists' : (known ?? 'provider.failed'),
    {
      ...about(asked),
      reason: message.slice(0, 1000),
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
      ...(asked.call === 'create' ? { maybeApplied } : {}),
    },
    { retryable },
  );
}

/** `internal` is what is not here. */
const codes: Readonly<Record<string, ErrorCode>> = {
  not_found: 'provider.gone',
  conflict: 'provider.failed',
  unauthenticated: 'provider.unauthenticated',
  quota: 'provider.quota',
  invalid: 'usage.invalid',
  unavailable: 'provider.unavailable',
};
