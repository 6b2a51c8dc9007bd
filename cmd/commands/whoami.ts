import { whoAmI } from '../../src/control/login/who-am-i.js';
import { configuredServer } from '../../src/control/server.js';
import type { Context } from '../context.js';
import { openSidecars } from '../sidecars.js';
import { accountWords, storageWords } from '../ui/account-words.js';
import type { ServerFlag } from './logout.js';

/** Who is logged in where, and where that is kept. */
export async function whoami(context: Context, { server: flag }: ServerFlag): Promise<void> {
  const { env, clock, output, signal } = context;
  const { stateDir, configDir } = openSidecars(context).home;
  const server = await configuredServer({ flag, env, configDir, stateDir });
  const { account, storage, expiresAt, renewable } = await whoAmI({ server, env, stateDir, clock, signal });
  const expires = expiresAt === undefined ? null : new Date(expiresAt).toISOString();
  const until = expires === null ? '' : `, its token until ${expires}${renewable ? ', then renewed' : ''}`;
  output.answer({ server, account: account ?? null, storage, expiresAt: expires, renewable }, [
    [account === undefined ? 'nobody knows who' : accountWords(account)],
    [`at ${server}`],
    [`${storageWords(storage)}${until}`],
  ]);
}
