import { logOut } from '../../src/control/login/log-out.js';
import { environmentToken } from '../../src/control/environment-token.js';
import type { Context } from '../context.js';
import { controlPlaneHere, type ServerFlag } from '../control-plane.js';
import { causeWords } from '../ui/cause-words.js';

/** Ends the session with the control plane. A server that cannot be asked does not keep it here. */
export async function logout(context: Context, flags: ServerFlag): Promise<void> {
  const { output } = context;
  const here = await controlPlaneHere(context, flags);
  const { server } = here;
  const isTokenSet = environmentToken(here.env, server) !== undefined;
  output.progress('ending the session…');
  const done = await logOut(here);
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
