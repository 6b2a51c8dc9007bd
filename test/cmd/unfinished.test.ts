import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it } from 'vitest';
import { systemClock } from '../../src/clock.js';
import { Sessions } from '../../src/control/tokens/sessions.js';
import { CommandLine } from '../fakes/command-line.js';
import { startTeamServer } from '../reference-server/team-server.js';

it('a command that its time limit ends waits for the renewal that it began, which is kept', async () => {
  using user = new CommandLine();
  const directory = await mkdtemp(path.join(tmpdir(), 'sidecar-unfinished-'));
  // Tokens end sooner than the minute before which they are renewed: each command renews.
  await using team = await startTeamServer({ stateDir: directory, accessSeconds: 30 });
  Object.assign(user.env, { SIDECAR_SERVER: team.url, SIDECAR_TOKEN_STORAGE: 'file' });
  const login = user.type('login', '--no-browser');
  await team.login.approve(await team.login.nextPage());
  expect(await login).toMatchObject({ code: 0 });
  expect(await user.type('create', 'web', '--provider', 'api')).toMatchObject({ code: 0 });
  const sessions = new Sessions({ env: user.env, stateDir: user.env['SIDECAR_HOME'] ?? '' });
  const before = (await sessions.read(team.url))?.session.refreshToken;

  // From then on for longer than the time limit, so that it is over by then.
  let release: () => void = () => undefined;
  const until = new Promise<void>((resolve) => (release = resolve));
  const onHeld = (): void => void systemClock.sleep(7_000).then(release);
  team.login.faults.push({ kind: 'held', until, onHeld });
  const { code, stderr } = await user.type('wait', '--timeout', '5s');
  expect(code, stderr).not.toBe(0);
  const kept = await sessions.read(team.url);
  expect(kept?.session.refreshToken).not.toBe(before);
  expect(kept).not.toHaveProperty('renewing');
  await rm(directory, { recursive: true });
});
