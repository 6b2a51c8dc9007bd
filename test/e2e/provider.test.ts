import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.js';
import { BuiltProgram } from '../fakes/built-program.js';
import { processEnded } from '../fakes/processes.js';
import { writeProviderProgram } from '../fakes/provider-program.js';

describe('a provider of the user’s own', () => {
  let user: BuiltProgram;
  let bin: string;
  let log: string;

  beforeEach(() => {
    user = new BuiltProgram({ daemon: false });
    bin = user.directory('bin');
    log = path.join(bin, 'log');
    user.env['PATH'] = `${bin}:${process.env['PATH'] ?? ''}`;
  });
  afterEach(() => user[Symbol.asyncDispose]());

  const version = '"apiVersion":"sidecar.dev/provider/v1"';
  const write = (script: string) =>
    writeProviderProgram(
      bin,
      'vms',
      `echo "$1" >> '${log}'; request=$(cat)
       case $1 in capabilities) echo '{${version},"capabilities":{}}'; exit ;; esac
       ${script}`,
    );

  it('is listed after those that come with sidecar', async () => {
    const { command } = await write('');
    const { stdout } = await user.type('provider', 'list', '--json');
    const listed = JSON.parse(stdout) as unknown[];
    expect(listed[0]).toEqual({ name: 'local', command: null, source: null });
    expect(listed.at(-1)).toEqual({ name: 'vms', command, source: 'path' });
    expect(existsSync(log)).toBe(false);
  });

  it('is told of line by line, escaped, and what it broke is told with the line to try by hand', async () => {
    const none = `[ "$1" != describe ] || { echo '{${version},"sidecar":null}'; exit; }`;
    const { command } = await write(`${none}; printf 'pulling \\033[31mred\\n' >&2; echo '{}'; exit 0`);
    const { code, stderr } = await user.type('create', 'web', '--provider', 'vms');
    expect(code).toBe(1);
    expect(stderr).toContain('pulling \\x1b[31mred\n');
    expect(stderr).toContain('the provider vms does not keep to the protocol (create): its answer is of version none');
    expect(stderr).toContain(`| '${command[0]}' list`);
  });

  it('that refuses an option is wrong usage, and leaves nothing on the list', async () => {
    await write(`echo '{${version},"error":{"code":"invalid","message":"there is no option size"}}'; exit 1`);
    const said = await user.type('create', 'web', '--provider', 'vms', '--option', 'size=2');
    expect(said).toMatchObject({ code: 2, stderr: expect.stringContaining('there is no option size') as string });
    expect((await user.type('list', '--json')).stdout).toBe('[]\n');
  });

  it('that is not there is said to be missing, and what there is is named', async () => {
    const said = await user.type('create', 'web', '--provider', 'vmz');
    expect(said.code).toBe(2);
    expect(said.stderr).toContain('there is no provider named vmz; there is: local');
  });

  it('cannot be named by a project', async () => {
    const { command } = await write('');
    writeFileSync(path.join(user.project.root, '.sidecar.json'), JSON.stringify({ providers: { other: { command } } }));
    const { code, stderr } = await user.type('sync');
    rmSync(path.join(user.project.root, '.sidecar.json'));
    expect(code).toBe(2);
    expect(stderr).toContain('.sidecar.json:1:2: error: "providers" names programs to be run');
  });

  it('is tested, and what was made is deleted also after Ctrl-C', async () => {
    const machine = `"id":"m","state":"starting"`;
    await write(
      `name=$(printf '%s' "$request" | sed 's/.*"name":"\\([^"]*\\)".*/\\1/')
       id=$(printf '%s' "$request" | sed 's/.*"requestId":"\\([^"]*\\)".*/\\1/')
       there() { case $1 in delete) echo '{${version}}' ;; list) echo '{${version},"sidecars":[]}' ;;
         *) echo '{${version},"sidecar":{${machine},"name":"'"$name"'","requestId":"'"$id"'"}}' ;; esac; }
       there "$1"`,
    );
    const testing = user.start('provider', 'test', 'vms');
    while (!existsSync(log) || readFileSync(log, 'utf8').split('describe').length < 12) await systemClock.sleep(10);
    writeFileSync(log, '');
    testing.child.kill('SIGINT');
    const { code, stderr } = await testing.ended;
    expect(code).toBe(130);
    expect(stderr).toContain('ending what was made');
    expect(
      readFileSync(log, 'utf8')
        .split('\n')
        .filter((call) => call === 'delete').length,
    ).toBeGreaterThan(3);
  });

  const logged = async (words: string): Promise<void> => {
    while (!existsSync(log) || !readFileSync(log, 'utf8').includes(words)) await systemClock.sleep(10);
  };

  const untidy = (): Promise<unknown> =>
    write(
      `field() { printf '%s' "$request" | sed "s/.*\\"$1\\":\\"\\([^\\"]*\\)\\".*/\\1/"; }
       case $1 in
         delete) echo '{${version},"error":{"code":"internal","message":"the disk is busy"}}'; exit 1 ;;
         create) echo '{${version},"sidecar":{"id":"m","state":"starting","name":"'"$(field name)"'","requestId":"'"$(field requestId)"'"}}' ;;
         *) echo made >> '${log}'; while :; do sleep 0.1; done ;;
       esac`,
    );

  it.each<[string, string[]]>([
    ['has that named', []],
    ['has that named also with --quiet', ['--quiet']],
  ])('of which something is left behind after Ctrl-C %s', async (_, flags) => {
    await untidy();
    const testing = user.start('provider', 'test', 'vms', ...flags);
    await logged('made');
    testing.child.kill('SIGINT');
    const { code, stderr } = await testing.ended;
    expect(code).toBe(130);
    expect(stderr).toMatch(
      /warning: left behind, to be ended by hand: conformance-[0-9a-f]{8}-\d+: .*the disk is busy/,
    );
    expect(stderr).toMatch(/sidecar: interrupted\n$/);
  });

  it('of which something is left behind after Ctrl-C has that in the document of --json', async () => {
    await untidy();
    const testing = user.start('provider', 'test', 'vms', '--json');
    await logged('made');
    testing.child.kill('SIGINT');
    const { code, stdout, stderr } = await testing.ended;
    expect([code, stdout]).toEqual([130, '']);
    const { error } = JSON.parse(stderr) as { error: { code: string; leftBehind: string[] } };
    expect(error.code).toBe('interrupted');
    expect(error.leftBehind[0]).toMatch(/^conformance-[0-9a-f]{8}-\d+: .*the disk is busy/);
  });

  it('may tidy up after Ctrl-C, and is asked what was made, which the user is told', async () => {
    await write(
      `[ "$1" = create ] || { echo 'no idea' >&2; exit 1; }
       trap 'sleep 1; echo tidied >> ${log}; exit 1' TERM
       echo making >> '${log}'; while :; do sleep 0.1; done`,
    );
    const creating = user.start('create', 'web', '--provider', 'vms');
    await logged('making');
    creating.child.kill('SIGINT');
    const { code, stderr } = await creating.ended;
    expect(code).toBe(130);
    expect(readFileSync(log, 'utf8')).toBe('capabilities\ncreate\nmaking\ntidied\ndescribe\n');
    expect(stderr).toContain('sidecar delete web');
    expect((await user.type('list')).stdout).toContain('web');
  });

  it('does not outlive a second Ctrl-C, whatever it makes of the first', async () => {
    const pid = path.join(bin, 'pid');
    await write(`[ "$1" = create ] || exit 1
       trap '' TERM; echo $$ > '${pid}'; echo making >> '${log}'; while :; do sleep 0.1; done`);
    const creating = user.start('create', 'web', '--provider', 'vms');
    await logged('making');
    const impatient = setInterval(() => creating.child.kill('SIGINT'), 100);
    expect((await creating.ended).code).toBe(130);
    clearInterval(impatient);
    await processEnded(Number(readFileSync(pid, 'utf8')));
  });

  it('that breaks promises fails its test, with a report', async () => {
    await write(`echo '{${version},"error":{"code":"internal","message":"out of disks"}}'; exit 1`);
    const { code, stdout } = await user.type('provider', 'test', 'vms', '--json');
    const report = JSON.parse(stdout) as {
      ok: boolean;
      checks: { id: string; result: string; reason: string | null }[];
    };
    expect([code, report.ok]).toEqual([1, false]);
    expect(report.checks.find(({ id }) => id === 'create')).toMatchObject({
      result: 'failed',
      reason: expect.stringContaining('out of disks') as string,
    });
    expect(report.checks.find(({ id }) => id === 'streams')?.result).toBe('skipped');
  });
});
