import { describe, expect, it } from 'vitest';
import { checkName, generateName } from '../../src/sidecars/names.js';

describe('checkName', () => {
  it.each(['a', '7', 'web', 'web-1', '0-a', 'a'.repeat(63)])('takes %s', (name) => {
    expect(checkName(name)).toBe(name);
  });

  it.each(['', 'Web', '-web', 'web-', 'a b', 'a_b', 'a.b', '..', 'a/b', 'é', 'web\n', 'a'.repeat(64)])(
    'refuses %j and says the rule',
    (name) => {
      expect(() => checkName(name)).toThrow(/^usage\.invalid: a sidecar name has 1 to 63 /);
    },
  );
});

describe('generateName', () => {
  it('makes a name that may be used', () => {
    const name = generateName([]);
    expect(checkName(name)).toBe(name);
  });

  it('never makes one that is taken, however many there are', () => {
    const taken = new Set<string>();
    for (let count = 0; count < 400; count += 1) {
      const name = generateName(taken);
      expect(taken).not.toContain(name);
      taken.add(checkName(name));
    }
  });
});
