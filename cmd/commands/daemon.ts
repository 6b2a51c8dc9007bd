import { askDaemon, type Answer } from '../../src/daemon/client.js';
import type { RequestOf, Results } from '../../src/daemon/message.js';
import type { DaemonStatus, SessionStatus } from '../../src/daemon/status.js';
import { SidecarError } from '../../src/errors.js';
import type { Context } from '../context.js';
import { placeAndBuild } from '../through-daemon.js';
import type { Line } from '../ui/line.js';
import { count, formatBytes } from '../ui/quantities.js';
import { table } from '../ui/table.js';

export async function daemonStatus(context: Context): Promise<void> {
  const answer = await ask(context, { command: 'status' });
  if (answer.kind === 'without') {
    context.output.answer({ running: false }, [
      ['no daemon is running; the next command that opens a session starts one'],
    ]);
    return;
  }
  context.output.answer({ running: true, ...answer.result }, lines(answer.result));
}

export async function daemonStop(context: Context): Promise<void> {
  const answer = await ask(context, { command: 'stop' });
  // It hangs up when it has ended. One of an older build answers, as it begins to.
  const stopped = answer.kind === 'result' || answer.why === 'ended';
  context.output.outcome({ stopped }, [
    stopped ? [{ text: '✓ ', style: 'green' }, 'stopped the daemon'] : ['no daemon is running'],
  ]);
}

async function ask<C extends keyof Results>(context: Context, request: RequestOf<C>): Promise<Answer<Results[C]>> {
  const at = await placeAndBuild(context);
  const answer = await askDaemon<C>(request, { ...at, signal: context.signal });
  if (answer.kind === 'without' && answer.why === 'silent') {
    throw new SidecarError('daemon.silent', { socket: at.place.socket });
  }
  return answer;
}

function lines({ pid, build, memoryBytes, sessions, log }: DaemonStatus): readonly Line[] {
  const about = `daemon ${build.version}, process ${pid}, ${formatBytes(memoryBytes)} of memory, ${count(sessions.length, 'session')}`;
  return [[about], ...(sessions.length === 0 ? [] : sessionTable(sessions)), [{ text: `log: ${log}`, style: 'dim' }]];
}

function sessionTable(sessions: readonly SessionStatus[]): readonly Line[] {
  const head = ['SIDECAR', 'STATE', 'SINCE', 'ROUND TRIP', 'SYNCS', 'SENT'];
  const rows = sessions.map(({ sidecar, state, since, rttMs, syncs, sentBytes }) => [
    ...[sidecar, state, since.replace(/\.\d+Z$/, 'Z')],
    ...[rttMs === null ? '-' : `${rttMs} ms`, String(syncs), formatBytes(sentBytes)],
  ]);
  return table(head, rows);
}
