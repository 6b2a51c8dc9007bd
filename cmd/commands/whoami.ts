import { whoAmI } from '../../src/control/login/who-am-i.js';
import type { Context } from '../context.js';
import { controlPlaneHere, type ServerFlag } from '../control-plane.js';
import { accountWords, storageWords } from '../ui/account-words.js';

/** Who is logged in where, and where that is kept. */
export async function whoami(context: Context, flags: ServerFlag): Promise<void> {
  const { output } = context;
  const here = await controlPlaneHere(context, flags);
  const { server } = here;
  const { account, storage, expiresAt, renewable } = await whoAmI(here);
  const expires = expiresAt === undefined ? null : new Date(expiresAt).toISOString();
  const until = expires === null ? '' : `, its token until ${expires}${renewable ? ', then renewed' : ''}`;
  output.answer({ server, account: account ?? null, storage, expiresAt: expires, renewable }, [
    [account === undefined ? 'nobody knows who' : accountWords(account)],
    [`at ${server}`],
    [`${storageWords(storage)}${until}`],
  ]);
}
