/** The public API: everything the command line does can be done from a program. */
export { Sidecars } from './client.js';
export type {
  ClientOptions,
  ConnectOptions,
  CreateOptions,
  ExecutionOptions,
  ForwardOptions,
  LandOptions,
  RunOptions,
  RunsOptions,
  WatchOptions,
} from './client-options.js';
export { SidecarError, type ErrorCode, type Facts } from './errors.js';
export type { Emit, ForwardEvent, RunEvent, SidecarEvent, SkipReason, SyncPhase, WatchEvent } from './events.js';
export { systemClock, type Clock } from './clock.js';

export type { SshHostRequest } from './provider/ssh-host.js';
export type { SidecarRecord } from './sidecars/record.js';
export { readSettings, type Settings } from './sidecars/settings.js';
export type { AllowedFiles } from './sidecars/allowed.js';

export { openSession, type Connect, type OpenSession, type OpenSessionOptions } from './session/open.js';
export { sshConnect, type SshConnectOptions } from './session/connect.js';
export type { Execution, ExecutionRequest } from './run/execution.js';
export type { AfterLanding } from './run/after-landing.js';
export { DetachedRuns } from './run/detached.js';
export type { DetachedRun, DetachedRunList, RunState } from './run/detached-list.js';
export type { DetachedRequest, DetachedStart } from './run/detached-start.js';
export type { Followed, FollowOptions } from './run/follow.js';
export type { PassOn } from './run/latest-run.js';
export type { Forward, Forwarding } from './forward/forward.js';
export { parseForward, type ForwardSpec } from './transport/forward-spec.js';
export type { AccessTokens } from './control/access-tokens.js';
export { openAccessTokens, type AccessTokensOptions } from './control/open-access-tokens.js';
export { logIn, type LoggedIn, type LogInOptions } from './control/login/log-in.js';
export { logOut, type LoggedOut, type LogOutOptions } from './control/login/log-out.js';
export { whoAmI, type WhoAmI, type WhoAmIOptions } from './control/login/who-am-i.js';
export type { Prompt } from './control/login/device-code.js';
export { configuredServer, type ServerSources } from './control/server.js';
export type { Provider } from './provider/provider.js';
export type {
  Address,
  Channel,
  ExecOptions,
  Exit,
  Incoming,
  RemoteListener,
  Transport,
} from './transport/transport.js';
export type { Terminal, TerminalModes, TerminalSize } from './transport/terminal.js';
export type { AskPassphrase } from './transport/passphrase.js';
export type { HostKeyLine, SshTarget } from './transport/target.js';

export { examine, type DoctorRequest, type Examination } from './doctor/doctor.js';
export type { CheckId, Finding, Verdict } from './doctor/check.js';
export type { Sayings } from './doctor/sayings.js';

export { SendRules, sendRulesOf } from './git/send-rules.js';
export { findWorkingTree, type WorkingTree } from './git/working-tree.js';
export { sync } from './sync/sync.js';
export type { SyncRequest } from './sync/request.js';
export type { Drift, SyncResult } from './sync/result.js';

export { Workspace } from './workspace/workspace.js';
export type { Paths } from './workspace/changes.js';
export type { Difference } from './workspace/diff.js';
export type { PathExplained } from './workspace/explain.js';
export type { Branched } from './workspace/branch.js';
export type { Found, Pulled } from './workspace/pull.js';
export type { Applied } from './workspace/put-here.js';
export type { FileChange, Patch } from './workspace/patch.js';
export type { Restored } from './workspace/restore.js';
export type { DriftList, SavedDrift } from './workspace/saved-drift.js';
export type { WorkspaceStatus } from './workspace/status.js';
export type { Undone } from './workspace/undo.js';
export type { Verified } from './workspace/verify.js';
