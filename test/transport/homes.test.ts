import { userInfo } from 'node:os';
import { describe, expect, it } from 'vitest';
import { homesOf, placesOf } from '../../src/transport/homes.js';

describe('a path of the user', () => {
  it.each([
    ['~/.ssh/id', ['/home/me/.ssh/id', '/account/.ssh/id']],
    ['/account/.ssh/id', ['/home/me/.ssh/id', '/account/.ssh/id']],
    ['/home/me/.ssh/id', ['/home/me/.ssh/id', '/account/.ssh/id']],
    ['/accounts/.ssh/id', ['/accounts/.ssh/id']],
    ['/etc/~/id', ['/etc/~/id']],
    ['~other/id', ['~other/id']],
  ])('%s may be at %j', (path, places) => {
    expect(placesOf(path, ['/home/me', '/account'])).toEqual(places);
  });

  it('is at one place where HOME and the account agree', () => {
    const { homedir } = userInfo();
    expect(homesOf(homedir)).toEqual([homedir]);
    expect(homesOf('/elsewhere')).toEqual(['/elsewhere', homedir]);
  });
});
