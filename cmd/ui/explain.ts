import { SidecarError, type ErrorCode, type Facts } from '../../src/errors.js';
import type { Explanation } from './explanation.js';
import { account } from './explanations/account.js';
import { here } from './explanations/here.js';
import { landing } from './explanations/landing.js';
import { running } from './explanations/running.js';
import { providers } from './explanations/providers.js';
import { sessions } from './explanations/sessions.js';
import { inWorkspace } from './explanations/workspace.js';
import { text } from './fact-words.js';

/** An error in words for people. Facts are shown as they are: `paint` and `jsonLine` escape them. */
export function explain(error: SidecarError): Explanation {
  return explanations[error.code](error.facts);
}

/** The same for a line that has said already which file it is about. */
export function explainInPlace({ code, facts }: SidecarError): Explanation {
  return explain(new SidecarError(code, { ...facts, file: '', path: '', source: '' }));
}

/** Why it failed, in as few words as there are: for a line that says more than that. */
export function causeOf(error: SidecarError): string {
  return text(error.facts, 'reason') ?? explain(error).message;
}

const explanations: Readonly<Record<ErrorCode, (facts: Facts) => Explanation>> = {
  ...here,
  ...sessions,
  ...providers,
  ...account,
  ...landing,
  ...inWorkspace,
  ...running,
};
