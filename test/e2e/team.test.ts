import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { BuiltProgram } from '../fakes/built-program.js';
import { filesBelow, manifest, oraclePaths } from '../fakes/git-repo.js';
import { startTeamServer } from '../reference-server/team-server.js';

/** What the program prints of all that it is asked for. */
type Said = { readonly code: number | null; readonly stdout: string; readonly stderr: string };

describe('a member of a team', () => {
  it('logs in, makes a sidecar, lands the working tree there, wakes it, deletes it, and logs out', async () => {
    await using program = new BuiltProgram();
    await using team = await startTeamServer({ stateDir: program.directory('service') });
    Object.assign(program.env, { SIDECAR_SERVER: team.url, SIDECAR_TOKEN_STORAGE: 'file' });
    const said: Said[] = [];
    const type = async (...words: string[]): Promise<Said> => {
      const ended = await program.type(...words);
      said.push(ended);
      expect(ended).toMatchObject({ code: 0 });
      return ended;
    };

    const login = program.start('login', '--no-browser');
    await team.login.approve(await team.login.nextPage());
    said.push(await login.ended);
    expect(said).toMatchObject([{ code: 0 }]);

    program.project.write('a', 'first\n');
    program.project.commit();
    await type('create', 'web', '--provider', 'api');
    expect(team.service.account('ada').keys.size).toBe(1); // this machine's, as the login registered it
    const { workspace } = JSON.parse((await type('sync', '--json')).stdout) as { workspace: string };
    const landed = (): void =>
      expect(manifest(workspace, filesBelow(workspace))).toEqual(
        manifest(program.project.root, oraclePaths(program.project)),
      );
    landed();
    expect((await type('run', '--', 'cat', 'a')).stdout).toBe('first\n');

    await team.service.account('ada').standby('web');
    program.project.write('a', 'second\n');
    await type('sync');
    landed();

    await type('delete', 'web');
    expect(await team.service.machines()).toEqual([]);
    expect(existsSync(workspace)).toBe(false);
    await type('logout');
    expect(team.login.revoked).toHaveLength(2);
    expect(team.service.deviations).toEqual([]);
    for (const token of team.login.revoked) {
      expect(said.map(({ stdout, stderr }) => stdout + stderr).join('')).not.toContain(token);
      expect(textBelow(program.env['SIDECAR_HOME'] ?? '')).not.toContain(token);
    }
  });

  it('is told to log in where nobody is, and has the token renewed from then on', async () => {
    await using program = new BuiltProgram();
    // They end sooner than the minute before which they are renewed: each command renews.
    await using team = await startTeamServer({ stateDir: program.directory('service'), accessSeconds: 30 });
    Object.assign(program.env, { SIDECAR_SERVER: team.url, SIDECAR_TOKEN_STORAGE: 'file' });
    expect((await program.type('create', 'web', '--provider', 'api')).stderr).toContain('sidecar login');
    const login = program.start('login', '--no-browser');
    await team.login.approve(await team.login.nextPage());
    expect((await login.ended).code).toBe(0);
    expect(await program.type('create', 'web', '--provider', 'api')).toMatchObject({ code: 0 });
    await team.service.account('ada').standby('web');
    expect(await program.type('sync')).toMatchObject({ code: 0 });
    const renewals = team.login.asked.filter((form) => form.get('grant_type') === 'refresh_token');
    expect(renewals.length).toBeGreaterThan(1);
    expect(await program.type('delete', 'web')).toMatchObject({ code: 0 });
    expect(await team.service.machines()).toEqual([]);
  });

  it('stays logged in where the daemon is stopped in the middle of a renewal', async () => {
    await using program = new BuiltProgram({ daemon: true });
    await using team = await startTeamServer({ stateDir: program.directory('service'), accessSeconds: 30 });
    Object.assign(program.env, { SIDECAR_SERVER: team.url, SIDECAR_TOKEN_STORAGE: 'file' });
    const login = program.start('login', '--no-browser');
    await team.login.approve(await team.login.nextPage());
    expect((await login.ended).code).toBe(0);
    expect(await program.type('create', 'web', '--provider', 'api')).toMatchObject({ code: 0 });
    expect(await program.type('wait')).toMatchObject({ code: 0 });
    await program.restedDaemon();
    // It has no session with this one yet.
    expect(await program.type('create', 'db', '--provider', 'api')).toMatchObject({ code: 0 });

    let answer: () => void = () => undefined;
    const until = new Promise<void>((resolve) => (answer = resolve));
    const held = new Promise<void>((onHeld) => team.login.faults.push({ kind: 'held', until, onHeld }));
    const waiting = program.start('wait', '-s', 'db');
    await held;
    const stopping = program.start('daemon', 'stop');
    // It takes no more requests from the moment that it is told to end.
    while ((await program.daemonOnceRested()) !== undefined);
    answer();
    expect(await stopping.ended).toMatchObject({ code: 0, stdout: '✓ stopped the daemon\n' });
    // The daemon's client does the work itself then, with the session that the daemon has left.
    expect(await waiting.ended).toMatchObject({ code: 0 });
    for (const name of ['web', 'db']) expect(await program.type('delete', name)).toMatchObject({ code: 0 });
  });
});

function textBelow(directory: string): string {
  const entries = readdirSync(directory, { recursive: true, withFileTypes: true });
  return entries
    .filter((each) => each.isFile())
    .map((each) => readFileSync(path.join(each.parentPath, each.name), 'latin1'))
    .join('\n');
}
