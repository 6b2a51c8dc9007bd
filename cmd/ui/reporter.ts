import type { SidecarError } from '../../src/errors.js';
import type { Emit, SidecarEvent, SkipReason, SyncPhase } from '../../src/events.js';
import { causeOf } from './explain.js';
import type { Output } from './output.js';
import { reportWatch } from './watch-report.js';
import { count, formatBytes, formatRate, formatSeconds } from './quantities.js';

/** How often the live line may be redrawn while bytes are sent. */
const redrawMs = 80;
/** A pack that took longer than this gets a line of its own where there is no live line. */
const longSendMs = 5_000;

/** Puts what the library observes into words. `name` is what the user calls the sidecar. */
export function createReporter(output: Output, name: string): Emit {
  const detail = (text: string): void => {
    if (output.verbose) output.note(text);
  };
  let drawnAtMs = 0;
  let reading = false;
  let lost = false;

  return (event: SidecarEvent): void => {
    switch (event.kind) {
      case 'connect.attempt': {
        const by = event.openssh === undefined ? '' : ` with OpenSSH (${event.openssh})`;
        detail(
          `${name}: attempt ${event.attempt}: connecting to ${event.host}${event.port === 0 ? '' : `:${event.port}`}${by}`,
        );
        output.progress(`connecting to ${name}${event.attempt === 1 ? '' : ` (attempt ${event.attempt})`}…`);
        return;
      }
      case 'connect.prompt':
        output.note(`ssh: ${event.text.trim()}`);
        return;
      case 'connect.failed':
        detail(`${name}: attempt ${event.attempt} failed: ${causeOf(event.error)}`);
        return;
      case 'connect.waiting':
        output.note(announcement(name, event.error, event.deadlineMs));
        output.progress(`waiting for ${name}…`);
        return;
      case 'connect.lost':
        lost = true;
        output.note(
          `the connection to ${name} was lost (${causeOf(event.error)}); ` +
            `trying again for up to ${formatSeconds(Math.floor(event.remainingMs / 1_000) * 1_000)}…`,
        );
        output.progress(`waiting for ${name}…`);
        return;
      case 'connect.open': {
        const said = `connected${lost ? ' again' : ''} after ${formatSeconds(event.elapsedMs)} (${count(event.attempts, 'attempt')})`;
        if (event.attempts > 1) output.note(said);
        else detail(`${name}: ${said}`);
        // The working tree is read while the session opens, and may take longer.
        if (reading) output.progress(`${phases.snapshot}…`);
        else output.clearProgress();
        return;
      }
      case 'hostkey.pinned': {
        const shower = event.hop === undefined ? name : `${event.hop}, on the way to ${name}`;
        if (event.source === 'first-use') {
          output.note(`first connection to ${shower}: its ${event.keyType} host key is trusted from now on: `, {
            text: event.fingerprint,
            style: 'bold',
          });
        } else {
          detail(`${shower}: host key ${event.fingerprint} (${event.keyType}) taken from known_hosts`);
        }
        return;
      }
      case 'agent.not_forwarded':
        output.warn(
          event.reason === 'none'
            ? 'there is no ssh-agent to forward (SSH_AUTH_SOCK is not set)'
            : `${name} does not take your ssh-agent (AllowAgentForwarding in its sshd_config); going on without it`,
        );
        return;
      case 'snapshot.skipped':
        output.problem({
          file: event.file,
          severity: 'warning',
          message: `not sent: ${skipReasons[event.reason]}`,
          code: event.kind,
        });
        return;
      case 'sync.phase':
        reading = event.phase === 'snapshot';
        detail(phases[event.phase]);
        output.progress(`${phases[event.phase]}…`);
        return;
      case 'sync.sending': {
        const rate = formatRate(event.bytes, event.elapsedMs);
        const amount = `${formatBytes(event.bytes)}${rate === undefined ? '' : ` (${rate})`}`;
        if (event.done) {
          drawnAtMs = 0;
          if (!output.live && event.elapsedMs >= longSendMs) {
            output.note(`sent ${amount} in ${formatSeconds(event.elapsedMs)}`);
          }
        } else if (event.elapsedMs - drawnAtMs >= redrawMs) {
          drawnAtMs = event.elapsedMs;
          output.progress(`sending ${amount}…`);
        }
        return;
      }
      case 'sync.waiting':
        output.note('another sync is landing in this workspace; waiting for it to end…');
        output.progress('waiting for another sync…');
        return;
      case 'sync.left_alone':
        output.warn(
          `${event.path} on ${name} is a repository of its own that is not part of this tree; it was left alone`,
        );
        return;
      case 'forward.refused': {
        const [near, far] = event.side === 'here' ? ['here', `on ${name}`] : [`on ${name}`, 'here'];
        const what = `a connection to ${event.listen} ${near} was closed`;
        const why = event.reason === '' ? '' : ` (${event.reason})`;
        output.warn(`${what}: ${event.target} ${far} does not take it${why}`);
        return;
      }
      case 'forward.waiting':
        output.note(`${name} does not listen on ${event.listen} again yet; asking for a while…`);
        return;
      case 'forward.asleep':
        output.note(
          `${name} is stopped, or in standby; ` +
            (event.wakes
              ? 'a connection to a forwarded port starts it'
              : 'its ports are forwarded again once something else starts it'),
        );
        output.clearProgress();
        return;
      case 'provider.progress':
        output.note(`${name}: ${event.line}`);
        return;
      case 'provider.uncertain':
        output.leftBehind(
          `nobody can tell whether the machine of ${name} was made: it stays on the list, ` +
            `and \`sidecar delete ${name}\` ends what there may be`,
        );
        return;
      case 'provider.unknown':
        output.leftBehind(
          `its provider knows no machine of ${name}, though it may only not know it yet: ` +
            `should one come into being after all, it has to be ended there`,
        );
        return;
      case 'provider.left_behind': {
        const { id, requestId, where, reason } = event;
        const what = id === undefined ? `what has the request id ${requestId}` : `the machine ${id}`;
        output.leftBehind(`left behind, to be ended by hand: ${what} of ${name} (${where}): ${reason}`);
        return;
      }
      case 'watch.started':
      case 'watch.polling':
      case 'watch.held':
      case 'watch.stuck':
      case 'watch.landing':
      case 'watch.asleep':
      case 'watch.failed':
      case 'run.started':
      case 'run.ended':
      case 'run.stopped':
      case 'run.failed':
        lost = false;
        reportWatch(output, name, event);
        return;
      default:
        event satisfies never;
    }
  };
}

/** The same for a sidecar that is `chosen` only later: nothing is to be told before. */
export function lateReporter(output: Output): { readonly emit: Emit; readonly chosen: (name: string) => void } {
  let report: Emit | undefined;
  return {
    emit: (event) => report?.(event),
    chosen: (name) => (report ??= createReporter(output, name)),
  };
}

function announcement(name: string, error: SidecarError, deadlineMs: number): string {
  return `${name} is not reachable yet (${causeOf(error)}); trying for up to ${formatSeconds(deadlineMs)}…`;
}

const phases: Readonly<Record<SyncPhase, string>> = {
  snapshot: 'reading the working tree',
  pack: 'packing',
  land: 'landing',
  compare: 'comparing',
  history: 'sending the history',
};

const skipReasons: Readonly<Record<SkipReason, string>> = {
  fifo: 'it is a named pipe',
  socket: 'it is a socket',
  device: 'it is a device',
  'gitmodules-link': 'git takes no link of this name',
  'git-directory': 'it belongs to a repository of git',
  'unreadable-directory': 'the directory cannot be read',
};
