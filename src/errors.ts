/**
 * Every failure that a user can meet, as a code. `cmd/ui/explanations/` holds the words and the next step for each, and
 * `cmd/ui/exit-codes.ts` the exit code: a code that is added here and forgotten there does not compile.
 */
export type ErrorCode =
  // wrong usage
  | 'usage.invalid'
  | 'settings.invalid'
  // the registry and local state
  | 'sidecar.none_selected'
  | 'sidecar.unknown'
  | 'sidecar.exists'
  | 'state.corrupt'
  | 'state.busy'
  | 'state.unwritable'
  | 'state.exposed'
  // no session to the sidecar
  | 'ssh.unreachable'
  | 'ssh.auth_refused'
  | 'ssh.key_unusable'
  | 'ssh.passphrase_needed'
  | 'ssh.host_key_changed'
  | 'ssh.host_key_revoked'
  | 'ssh.host_key_unknown'
  | 'ssh.protocol'
  | 'ssh.config_invalid'
  | 'ssh.tunnel_refused'
  | 'ssh.channel_refused'
  | 'ssh.connection_lost'
  // a provider
  | 'provider.failed'
  | 'provider.gone'
  | 'provider.stopped'
  | 'provider.missing'
  | 'provider.unauthenticated'
  | 'provider.quota'
  | 'provider.unavailable'
  | 'provider.protocol'
  // the control plane
  | 'login.required'
  | 'login.denied'
  | 'login.expired'
  | 'login.lost'
  | 'login.failed'
  | 'login.storage'
  | 'server.unreachable'
  // git on this side
  | 'git.missing'
  | 'git.too_old'
  | 'git.failed'
  // a sync
  | 'sync.unreadable'
  | 'sync.changing'
  | 'sync.drifted'
  | 'sync.not_empty'
  | 'sync.forbidden_workspace'
  | 'sync.in_use'
  | 'sync.unsettled'
  | 'sync.remote_git'
  | 'sync.remote_failed'
  | 'sync.bad_reply'
  | 'sync.not_proved'
  // the workspace, beside a sync
  | 'verify.nothing_landed'
  | 'verify.differs'
  | 'drift.unknown'
  | 'undo.unavailable'
  | 'history.unavailable'
  | 'history.busy'
  | 'pull.conflict'
  | 'pull.unwritable'
  | 'pull.branch_exists'
  | 'pull.other_repository'
  // a command on the sidecar
  | 'run.no_workspace'
  | 'run.not_started'
  | 'run.uncertain'
  | 'run.unknown'
  | 'run.lost'
  | 'run.remote_failed'
  // a command that settings run on each landing
  | 'landing.after_failed'
  // ports that are forwarded
  | 'forward.local_refused'
  | 'forward.remote_refused'
  // the daemon
  | 'daemon.silent'
  // files of editors
  | 'init.refused'
  | 'init.unwritable'
  // the rest
  | 'interrupted'
  | 'internal';

/** What an error knows, for `--json` and for the words shown. Never a secret. */
export type Facts = Readonly<Record<string, string | number | boolean | null | readonly string[]>>;

/**
 * A failure with a code, the facts that explain it and the original error as `cause`.
 *
 * `retryable` is decided where the evidence is: `true` for a network-class failure that waiting may cure, `false` for
 * one that waiting cannot, `undefined` where the place that threw does not know.
 */
export class SidecarError extends Error {
  override readonly name = 'SidecarError';
  readonly retryable: boolean | undefined;

  constructor(
    readonly code: ErrorCode,
    readonly facts: Facts = {},
    options: { readonly cause?: unknown; readonly retryable?: boolean } = {},
  ) {
    const reason = facts['reason'];
    super(
      typeof reason === 'string' ? `${code}: ${reason}` : code,
      options.cause === undefined ? {} : { cause: options.cause },
    );
    this.retryable = options.retryable;
  }
}

/** Whatever was thrown, as an error that has words: what nobody expected is `internal`. */
export function asSidecarError(thrown: unknown): SidecarError {
  if (thrown instanceof SidecarError) return thrown;
  const reason = thrown instanceof Error ? thrown.message : String(thrown);
  return new SidecarError('internal', { reason }, { cause: thrown });
}
