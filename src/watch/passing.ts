import type { ErrorCode } from '../errors.js';

/** What a watch does about a landing that failed: waits and tries again, or ends, because waiting does not cure it. */
const fates: Readonly<Record<ErrorCode, 'wait' | 'end'>> = {
  'usage.invalid': 'end',
  'settings.invalid': 'wait',
  'sidecar.none_selected': 'end',
  'sidecar.unknown': 'end',
  'sidecar.exists': 'end',
  'state.corrupt': 'end',
  'state.busy': 'wait',
  'state.unwritable': 'wait',
  'state.exposed': 'end',
  'ssh.unreachable': 'wait',
  'ssh.auth_refused': 'end',
  'ssh.key_unusable': 'end',
  'ssh.passphrase_needed': 'end',
  'ssh.host_key_changed': 'end',
  'ssh.host_key_revoked': 'end',
  'ssh.protocol': 'end',
  'ssh.config_invalid': 'end',
  'ssh.channel_refused': 'wait',
  'ssh.connection_lost': 'wait',
  'provider.failed': 'end',
  'provider.gone': 'end',
  'provider.missing': 'end',
  'provider.unauthenticated': 'end',
  'provider.quota': 'end',
  'provider.unavailable': 'wait',
  'provider.protocol': 'end',
  'git.missing': 'end',
  'git.too_old': 'end',
  'git.failed': 'wait',
  'sync.unreadable': 'wait',
  'sync.changing': 'wait',
  'sync.drifted': 'end',
  'sync.not_empty': 'end',
  'sync.forbidden_workspace': 'end',
  'sync.in_use': 'wait',
  'sync.unsettled': 'wait',
  'sync.remote_git': 'end',
  'sync.remote_failed': 'wait',
  'sync.bad_reply': 'end',
  'sync.not_proved': 'wait',
  'verify.nothing_landed': 'end',
  'verify.differs': 'end',
  'drift.unknown': 'end',
  'undo.unavailable': 'end',
  'history.unavailable': 'end',
  'history.busy': 'end',
  'pull.conflict': 'end',
  'pull.unwritable': 'end',
  'pull.branch_exists': 'end',
  'pull.other_repository': 'end',
  'run.no_workspace': 'end',
  'run.not_started': 'end',
  'run.uncertain': 'end',
  'run.unknown': 'end',
  'run.lost': 'end',
  'run.remote_failed': 'end',
  'landing.after_failed': 'end',
  'forward.local_refused': 'end',
  'forward.remote_refused': 'end',
  'daemon.silent': 'end',
  'init.refused': 'end',
  'init.unwritable': 'end',
  interrupted: 'end',
  internal: 'end',
};

/** Whether the failure may pass: by itself, or by what somebody does here or over there meanwhile. */
export function mayPass(code: ErrorCode): boolean {
  return fates[code] === 'wait';
}

/** The pause after so many failures in a row, in milliseconds: 5 s, then twice as long each time, up to 5 minutes. */
export function pauseMs(failures: number): number {
  return Math.min(5_000 * 2 ** (failures - 1), 300_000);
}
