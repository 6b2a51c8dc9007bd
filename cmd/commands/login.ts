import { controlKeyTitle } from '../../src/control/control-key.js';
import { logIn, type LoggedIn } from '../../src/control/login/log-in.js';
import type { Prompt } from '../../src/control/login/device-code.js';
import type { ChosenStorage } from '../../src/control/tokens/choose-storage.js';
import type { Context } from '../context.js';
import { controlPlaneHere, type ServerFlag } from '../control-plane.js';
import { finishingSoon } from '../finishing-soon.js';
import { causeWords } from '../ui/cause-words.js';
import type { Line } from '../ui/line.js';
import { formatSeconds } from '../ui/quantities.js';
import { accountWords, storageWords } from '../ui/account-words.js';
import { openBrowser } from '../open-browser.js';
import { qrLines } from '../ui/qr-lines.js';

export interface LoginFlags extends ServerFlag {
  readonly browser: boolean;
}

/** Has the user approve a session with the control plane, and registers this machine's key there. */
export async function login(context: Context, flags: LoginFlags): Promise<void> {
  const { output } = context;
  const here = await controlPlaneHere(context, flags);
  const { server } = here;
  const done = await logIn({
    ...here,
    finishing: finishingSoon(context),
    keyTitle: controlKeyTitle(),
    onStorage: ({ noKeyring }) => {
      if (noKeyring !== undefined) warnOfFile(context, noKeyring);
      output.progress(`asking ${server}…`);
    },
    onPrompt: (prompt) => {
      void show(context, prompt, flags);
    },
    onTrouble: (error, delayMs) => {
      if (output.verbose) output.note(`no answer (${causeWords(error)}); asking again in ${formatSeconds(delayMs)}`);
    },
  });
  output.outcome(document(server, done), [[{ text: '✓ ', style: 'green' }, words(server, done)]]);
}

function warnOfFile({ output }: Context, { why, reason }: NonNullable<ChosenStorage['noKeyring']>): void {
  const what = why === 'absent' ? 'there is no keyring here' : 'the keyring here takes nothing as long as a session';
  const more = output.verbose ? ` (${reason})` : '';
  output.warn(`${what}${more}: the session is kept in a file that only you can read`);
}

function document(server: string, { account, storage, approved, key }: LoggedIn): unknown {
  return { server, account: account ?? null, storage, approved, key };
}

function words(server: string, { account, storage, approved, key }: LoggedIn): string {
  const who = account === undefined ? '' : ` as ${accountWords(account)}`;
  const before = approved ? 'logged in' : 'still logged in';
  const machine = key === 'known' ? 'it knows the key of this machine' : 'the key of this machine is registered';
  return `${before} to ${server}${who} (${storageWords(storage)}); ${machine}`;
}

/** What the user is to do, on stderr: stdout is for the outcome. */
async function show(context: Context, prompt: Prompt, { browser }: LoginFlags): Promise<void> {
  const { output, env, platform } = context;
  const { verificationUri, userCode, verificationUriComplete = verificationUri } = prompt;
  const code: Line = ['sidecar: open ', { text: verificationUri, style: 'bold' }, ' and enter the code '];
  const qr = output.live ? await qrLines(verificationUriComplete, output.statusColumns) : [];
  output.ask({ prompt }, [[...code, { text: userCode, style: 'bold' }], ...qr]);
  output.progress('waiting for the approval…');
  if (browser && output.live) await openBrowser(verificationUriComplete, { env, platform });
}
