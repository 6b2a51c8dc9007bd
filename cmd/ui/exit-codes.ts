import type { ErrorCode } from '../../src/errors.js';

/** What the process ends with, as the contract and the README list it. */
export const exitCode = {
  done: 0,
  failed: 1,
  wrongUsage: 2,
  /** Refused to protect work: drift, a workspace that is not empty, one in use. */
  refused: 3,
  /** No session to the sidecar, as `ssh` itself ends. */
  noSession: 255,
  interrupted: 130,
} as const;

/** The exit code of every error: the only table of it. */
export const exitCodes: Readonly<Record<ErrorCode, number>> = {
  'usage.invalid': exitCode.wrongUsage,
  'settings.invalid': exitCode.wrongUsage,
  'sidecar.none_selected': exitCode.failed,
  'sidecar.unknown': exitCode.failed,
  'sidecar.exists': exitCode.failed,
  'state.corrupt': exitCode.failed,
  'state.busy': exitCode.failed,
  'state.unwritable': exitCode.failed,
  'state.exposed': exitCode.failed,
  'ssh.unreachable': exitCode.noSession,
  'ssh.auth_refused': exitCode.noSession,
  'ssh.key_unusable': exitCode.noSession,
  'ssh.passphrase_needed': exitCode.noSession,
  'ssh.host_key_changed': exitCode.noSession,
  'ssh.host_key_revoked': exitCode.noSession,
  'ssh.protocol': exitCode.noSession,
  'ssh.config_invalid': exitCode.noSession,
  'ssh.channel_refused': exitCode.noSession,
  'ssh.connection_lost': exitCode.noSession,
  'provider.failed': exitCode.failed,
  'git.missing': exitCode.failed,
  'git.too_old': exitCode.failed,
  'git.failed': exitCode.failed,
  'sync.unreadable': exitCode.failed,
  'sync.changing': exitCode.failed,
  'sync.drifted': exitCode.refused,
  'sync.not_empty': exitCode.refused,
  'sync.forbidden_workspace': exitCode.refused,
  'sync.in_use': exitCode.refused,
  'sync.unsettled': exitCode.failed,
  'sync.remote_git': exitCode.failed,
  'sync.remote_failed': exitCode.failed,
  'sync.bad_reply': exitCode.failed,
  'sync.not_proved': exitCode.failed,
  'verify.nothing_landed': exitCode.failed,
  'verify.differs': exitCode.failed,
  'drift.unknown': exitCode.failed,
  'undo.unavailable': exitCode.failed,
  'daemon.silent': exitCode.failed,
  interrupted: exitCode.interrupted,
  internal: exitCode.failed,
};
