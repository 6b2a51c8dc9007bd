import { askDaemon } from '../../src/daemon/client.js';
import type { Context } from '../context.js';
import { placeAndBuild } from '../through-daemon.js';
import { statusLines, type SessionFacts } from '../ui/status-lines.js';
import { withWorkspace } from '../workspace.js';

export async function status(context: Context): Promise<void> {
  const result = await withWorkspace(context, (workspace) => workspace.status());
  const session = await sessionOf(context, result.sidecar);
  context.output.answer({ ...result, session }, statusLines(result, session));
}

/** What the daemon says of its session to this sidecar. Status is status without it, too. */
async function sessionOf(context: Context, name: string): Promise<SessionFacts> {
  if (!context.daemon) return { state: 'none' };
  const answer = await askDaemon(
    { command: 'status' },
    { ...(await placeAndBuild(context)), signal: context.signal },
  ).catch(() => undefined);
  const sessions = answer?.kind === 'result' ? answer.result.sessions : [];
  const session = sessions.find(({ sidecar }) => sidecar === name);
  return session === undefined
    ? { state: 'none' }
    : { state: session.state, since: session.since, rttMs: session.rttMs };
}
