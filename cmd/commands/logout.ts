import { logOut } from '../../src/control/login/log-out.js';
import { environmentToken } from '../../src/control/environment-token.js';
import { configuredServer } from '../../src/control/server.js';
import type { Context } from '../context.js';
import { openSidecars } from '../sidecars.js';
import { causeWords } from '../ui/cause-words.js';

export interface ServerFlag {
  readonly server?: string;
}

/** Ends the session with the control plane. A server that cannot be asked does not keep it here. */
export async function logout(context: Context, { server: flag }: ServerFlag): Promise<void> {
  const { env, clock, output, signal } = context;
  const { stateDir, configDir } = openSidecars(context).home;
  const server = await configuredServer({ flag, env, configDir, stateDir });
  const isTokenSet = environmentToken(env, server) !== undefined;
  output.progress('ending the session…');
  const done = await logOut({ server, env, stateDir, clock, signal });
  if (isTokenSet) output.warn('SIDECAR_TOKEN is still set, and counts before any session');
  const document = { server, loggedOut: done.kind !== 'was not', revoked: done.kind === 'revoked' };
  if (done.kind === 'was not') {
    output.outcome(document, [[`not logged in to ${server}`]]);
    return;
  }
  if (done.kind === 'only here') {
    const why = causeWords(done.error);
    output.warn(
      `the session is gone from here, and could not be ended there (${why}): its tokens last until they expire`,
    );
  }
  output.outcome(document, [[{ text: '✓ ', style: 'green' }, `logged out of ${server}`]]);
}
