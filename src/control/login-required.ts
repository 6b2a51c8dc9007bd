import { SidecarError } from '../errors.js';

export interface WhyRequired {
  /** What became of the session that there was. */
  readonly reason?: string | undefined;
  /** The server that SIDECAR_TOKEN belongs to, where that is another one. */
  readonly otherToken?: string | undefined;
  /** It is the token of SIDECAR_TOKEN that is not taken. */
  readonly fromEnvironment?: true;
  readonly cause?: unknown;
}

/** That nobody is logged in to a server, or not any more. */
export function loginRequired(server: string, { cause, ...why }: WhyRequired = {}): SidecarError {
  const { reason, otherToken, fromEnvironment } = why;
  const facts = {
    server,
    ...(reason !== undefined && { reason }),
    ...(otherToken !== undefined && { otherToken }),
    ...(fromEnvironment !== undefined && { fromEnvironment }),
  };
  return new SidecarError('login.required', facts, { cause, retryable: false });
}
