import type { Facts } from '../../../src/errors.js';
import type { Explanations } from '../explanation.js';
import { because, effort, text, the } from '../fact-words.js';

/** The control plane, and who is logged in there. */
export const account = {
  'login.required': (facts) => {
    const why = said(facts);
    if (facts['fromEnvironment'] === true)
      return {
        message: `${server(facts)} does not take the token of SIDECAR_TOKEN${why}`,
        hint: 'set another one, or unset it and run `sidecar login`',
      };
    const other = text(facts, 'otherToken');
    if (other !== undefined)
      return {
        message: `you are not logged in to ${server(facts)}${why}; SIDECAR_TOKEN is not sent there, because SIDECAR_SERVER says that it is for ${other}`,
        hint: `run ${loginLine(facts)}, or, where the token is for that server, set SIDECAR_SERVER to it`,
      };
    return { message: `you are not logged in to ${server(facts)}${why}`, hint: `run ${loginLine(facts)}` };
  },
  'login.denied': (facts) => ({
    message: `the login to ${server(facts)} was denied${said(facts)}`,
    hint: `to try again, run ${loginLine(facts)}`,
  }),
  'login.expired': (facts) => ({
    message: `the code was not confirmed in time${said(facts)}`,
    hint: `run ${loginLine(facts)} for a new one`,
  }),
  'login.lost': (facts) => ({
    message:
      `${server(facts)} knows the code no more (${the(facts, 'answer', 'invalid_grant')}${said(facts)}): the approval was probably used by an answer ` +
      'that was lost on the way',
    hint: `run ${loginLine(facts)} again`,
  }),
  'login.failed': (facts) => ({
    message: `${the(facts, 'what', 'the login')} failed at ${server(facts)}: ${because(facts, 'it gave no reason')}`,
    hint: text(facts, 'suggestion') ?? `run ${loginLine(facts)} again, or ask who runs that server`,
  }),
  'login.storage': (facts) => ({
    message: `${facts['storage'] === 'keyring' ? 'the keyring' : 'the place'} for the session cannot be used: ${because(facts, 'it gave no reason')}`,
    hint:
      facts['bytes'] !== undefined
        ? 'log in with SIDECAR_TOKEN_STORAGE=file to have a file (0600) instead'
        : facts['storage'] === 'keyring'
          ? `${facts['absent'] === true ? 'start one' : 'unlock it'} and try again, or log in anew with SIDECAR_TOKEN_STORAGE=file to have a file (0600) instead`
          : `run \`sidecar logout\`, and ${loginLine(facts)}`,
  }),
  'server.unreachable': (facts) => ({
    message: `${server(facts)} cannot be asked: ${because(facts, 'no answer')}${effort(facts)}`,
    hint: text(facts, 'suggestion') ?? 'check the network and the address, and try again',
  }),
} satisfies Explanations;

const server = (facts: Facts): string => the(facts, 'server', 'the control plane');

function said(facts: Facts): string {
  const reason = text(facts, 'reason');
  return reason === undefined ? '' : `: ${reason}`;
}

function loginLine(facts: Facts): string {
  const address = text(facts, 'server');
  return address === undefined ? '`sidecar login`' : `\`sidecar login --server ${address}\``;
}
