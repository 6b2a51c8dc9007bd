import { describe, expect, it } from 'vitest';
import { SidecarError } from '../../src/errors.js';
import { addressText, leadsToItself, parseForward } from '../../src/transport/forward-spec.js';

const words = (spec: string): string => {
  const { listen, target } = parseForward(spec);
  return `${addressText(listen)} to ${addressText(target)}`;
};

describe('a forward', () => {
  it.each([
    ['8080', '127.0.0.1:8080 to localhost:8080'],
    ['8080:3000', '127.0.0.1:8080 to localhost:3000'],
    ['0:3000', '127.0.0.1:0 to localhost:3000'],
    ['8080:db:5432', '127.0.0.1:8080 to db:5432'],
    ['8080:10.0.0.7:5432', '127.0.0.1:8080 to 10.0.0.7:5432'],
    ['0.0.0.0:8080', '0.0.0.0:8080 to localhost:8080'],
    ['0.0.0.0:8080:localhost:80', '0.0.0.0:8080 to localhost:80'],
    ['*:8080', '*:8080 to localhost:8080'],
    ['[::1]:8080', '[::1]:8080 to localhost:8080'],
    ['[::1]:8080:[fd00::7]:80', '[::1]:8080 to [fd00::7]:80'],
    ['8080:[fd00::7]:80', '127.0.0.1:8080 to [fd00::7]:80'],
    ['localhost:65535', 'localhost:65535 to localhost:65535'],
  ])('%s is %s', (spec, meant) => {
    expect(words(spec)).toBe(meant);
  });

  it.each([
    ...['', ':', ':8080', '8080:', 'x', 'web', '-1', '65536', '8080:65536', '1e3', '0x50', ' 80', '80.5', '080000'],
    ...['0', '0.0.0.0:0', '8080:db:0', '8080:*:80', 'a:b', 'a:80:b', '1:2:3:4:5', '::1:8080', '[::1', '::1]:80'],
    ...['[db]:80', '[]:80', '80:[::1]', '80:a b:80', '80:u@h:80', '80::80', '[::1]80', '80:a/b:80', '80:[::1]x:80'],
  ])('is not %j', (spec) => {
    const error = (() => {
      try {
        parseForward(spec);
        return undefined;
      } catch (thrown) {
        return thrown;
      }
    })();
    expect(error).toBeInstanceOf(SidecarError);
    expect(error).toMatchObject({ code: 'usage.invalid' });
    expect((error as SidecarError).facts['reason']).toContain(JSON.stringify(spec));
  });

  it('leads to itself where both sides are one machine, and it connects to where it listens', () => {
    const circles = ['8080', '8080:127.0.0.1:8080', '0.0.0.0:8080:0.0.0.0:8080', '[::1]:8080:[::1]:8080'];
    expect(circles.map((spec) => leadsToItself(parseForward(spec)))).toEqual(circles.map(() => true));
    const others = ['8081:8080', '8080:db:8080', '0:8080'];
    expect(others.map((spec) => leadsToItself(parseForward(spec)))).toEqual(others.map(() => false));
  });
});
