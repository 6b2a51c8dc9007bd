import type { Facts } from '../../../src/errors.js';
import { apiVersion } from '../../../src/provider/exec/api-version.js';
import { shellWord } from '../../../src/transport/shell-word.js';
import type { Explanation, Explanations } from '../explanation.js';
import { because, list, text, the } from '../fact-words.js';

/** What makes machines, beside what keeps them. */
export const providers = {
  'provider.missing': (facts) => ({
    message: `the provider ${the(facts, 'provider', 'NAME')} cannot be started${programOf(facts)}: ${because(facts, 'there is no such program')}`,
    hint: `put a program \`sidecar-provider-${the(facts, 'provider', 'NAME')}\` on PATH, or name one under \`providers\` in your config.json`,
  }),
  'provider.unauthenticated': (facts) => ({
    message: `${who(facts)} does not know you: ${because(facts, 'it gave no reason')}`,
    hint: !isOfServer(facts)
      ? 'log in to what it makes machines with, in the way of that, and try again'
      : 'run `sidecar login`, or set SIDECAR_TOKEN to a token that is good there',
  }),
  'provider.quota': (facts) => ({
    message: `${who(facts)} gives no more: ${because(facts, 'a limit is reached')}`,
    hint: 'delete what is not needed any more, or have the limit raised',
  }),
  'provider.unavailable': (facts) => ({
    message: `${who(facts)} is not available: ${because(facts, 'it gave no reason')}`,
    hint:
      text(facts, 'suggestion') ??
      (isOfProgram(facts) ? `try again later; by hand: \`${byHand(facts)}\`` : againLater(facts)),
  }),
  'provider.protocol': (facts) => ({
    message: `${who(facts)} does not keep to the protocol (${the(facts, 'call', 'call')}): ${because(facts, 'its answer is wrong')}`,
    hint: isOfServer(facts)
      ? 'check its address (--server, SIDECAR_SERVER), or tell who runs it'
      : `tell its author; \`sidecar provider test ${the(facts, 'provider', 'NAME')}\` says more, and by hand: \`${byHand(facts)}\``,
  }),
} satisfies Explanations;

/** What may have been made keeps its name on the list. */
function againLater(facts: Facts): string {
  const name = text(facts, 'name');
  const isListed = facts['maybeApplied'] === true && name !== undefined;
  return isListed ? `try again later, after \`sidecar delete ${name}\`` : 'try again later';
}

/** Who it is about, as the first words of a sentence. */
function who(facts: Facts): string {
  const server = text(facts, 'server');
  return server === undefined ? `the provider ${the(facts, 'provider', '')}` : `the control plane ${server}`;
}

/** Whether it is about a control plane. */
export function isOfServer(facts: Facts): boolean {
  return text(facts, 'server') !== undefined;
}

export function serverFailed(facts: Facts): Explanation {
  return {
    message: `${who(facts)} refuses (${the(facts, 'call', 'call')}): ${because(facts, 'it gave no reason')}`,
    hint: text(facts, 'suggestion') ?? 'put right what it says',
  };
}

/** Whether it is about a provider that is a program of its own. */
export function isOfProgram(facts: Facts): boolean {
  return list(facts, 'command').length > 0;
}

export function programFailed(facts: Facts): Explanation {
  const said = text(facts, 'said');
  return {
    message:
      `the provider ${the(facts, 'provider', '')} failed (${the(facts, 'call', 'call')}): ${because(facts, 'it gave no reason')}` +
      (said === undefined ? '' : `; the last that it said was: ${said}`),
    hint: `try it by hand: \`${byHand(facts)}\``,
  };
}

/** A line that asks the program something that changes nothing. */
function byHand(facts: Facts): string {
  const call = text(facts, 'call') === 'capabilities' ? 'capabilities' : 'list';
  const request = JSON.stringify({ apiVersion, place: {} });
  return `echo '${request}' | ${list(facts, 'command').map(shellWord).join(' ')} ${call}`;
}

function programOf(facts: Facts): string {
  const [program] = list(facts, 'command');
  return program === undefined ? '' : ` (${program})`;
}
