import { SidecarError } from '../errors.js';

/** As a DNS label (RFC 1123 §2.1), in lower case: it names directories, host names and shell words. */
export const namePattern = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** For messages: what `isName` takes. */
export const nameRule = 'a sidecar name has 1 to 63 lower-case letters, digits and dashes, with no dash at either end';

export function isName(text: string): boolean {
  return namePattern.test(text);
}

/** Returns `name` when it may name a sidecar, else throws `usage.invalid` with the rule. */
export function checkName(name: string): string {
  if (!isName(name)) throw new SidecarError('usage.invalid', { reason: nameRule, value: name });
  return name;
}

const adjectives = [
  'brisk',
  'calm',
  'clever',
  'cosy',
  'eager',
  'fair',
  'keen',
  'lucky',
  'merry',
  'neat',
  'quick',
  'warm',
];
const nouns = [
  'badger',
  'comet',
  'falcon',
  'finch',
  'harbor',
  'heron',
  'maple',
  'otter',
  'pebble',
  'river',
  'sparrow',
  'wren',
];

/** A name that is easy to say and not in `taken`: `brisk-otter`, and with a number when the plain ones are used up. */
export function generateName(taken: Iterable<string>, random: () => number = Math.random): string {
  const used = new Set(taken);
  const all = adjectives.flatMap((adjective) => nouns.map((noun) => `${adjective}-${noun}`));
  const start = Math.floor(random() * all.length);
  for (let round = 1; ; round += 1) {
    for (let step = 0; step < all.length; step += 1) {
      const plain = all[(start + step) % all.length] ?? '';
      const name = round === 1 ? plain : `${plain}-${round}`;
      if (!used.has(name)) return name;
    }
  }
}
