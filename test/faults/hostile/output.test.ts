import { readFileSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { once } from 'node:events';
import path from 'node:path';
import type { ServerChannel } from 'ssh2';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BuiltProgram } from '../../fakes/built-program.js';
import type { Said } from '../../fakes/command-line.js';
import { describeWith } from '../../fakes/parts.js';
import { makeKey } from '../../fakes/ssh-keys.js';
import { startSshServer, type SshServer } from '../../fakes/ssh-server.js';
import { tried } from '../ledger.js';
import { forEver, helloLines, liar, untilLanding, type Stage } from './liar.js';
import { scale } from '../scale.js';

type Play = (stage: Stage) => Promise<undefined>;

/** Clears the screen, sets the title, rings, goes back to overwrite, moves by one byte, reorders, breaks the line. */
const evil = '\x1b[2J\x1b]0;title\x07\r\b\x7f\u009b7m\u202egnp\u2028\x00';
/** The same with what git would quote. */
const quoted = '"\\033[2J\\033]0;title\\007\\r\\b\\177\\302\\2337m\\342\\200\\256gnp"';

/** What a terminal acts on, but for the end of a line. */
const controls = /[\p{Cc}\u2028\u2029\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]/u;

let user: BuiltProgram;
let identity: string;
let play: Play;
/** One machine, on which `play` answers every command. */
let server: SshServer;
beforeAll(async () => {
  user = new BuiltProgram();
  user.project.write('f', 'x\n');
  identity = (await makeKey(user.directory('keys'), 'key')).path;
  server = await startSshServer({
    onSession: (session) =>
      session.on('exec', (accept) => {
        const channel = accept();
        channel.on('error', () => undefined);
        const io = { stdin: channel, stdout: channel, stderr: channel.stderr, ended: new AbortController().signal };
        liar(play)('', io).then(
          (exit) => endWith(channel, exit.kind === 'code' ? String(exit.code) : exit.signal),
          () => channel.close(),
        );
      }),
  });
  await user.type('add', 'web', `127.0.0.1:${server.port}`, '--identity', identity);
});
afterAll(async () => {
  await server.stop();
  await user[Symbol.asyncDispose]();
});

function endWith(channel: ServerChannel, ending: string): void {
  if (/^\d+$/.test(ending)) channel.exit(Number(ending));
  else channel.exit(ending, false, evil);
  channel.end();
}

/** Syncs with all there is to say, and as one document; nothing that comes out may be more than text. */
async function syncBothWays(name = 'web'): Promise<{ words: Said; document: Said }> {
  const words = await user.type('sync', '-v', '-s', name);
  const document = await user.type('sync', '--json', '-s', name);
  for (const said of [words, document]) {
    for (const line of `${said.stdout}${said.stderr}`.split('\n')) expect(line).not.toMatch(controls);
    expect(said.stdout.length + said.stderr.length).toBeLessThan(64 * 1024);
  }
  for (const text of [document.stdout, document.stderr]) if (text !== '') JSON.parse(text);
  return { words, document };
}

const thenSay =
  (...answers: string[]): Play =>
  async (stage) => {
    const tree = await untilLanding(stage, helloLines({ workspace: `/home/${evil.replace('\0', '')}` }));
    for (const answer of answers) await stage.say(answer.replace('TREE', tree));
    return undefined;
  };
const helloError =
  (error: string): Play =>
  async (stage) => {
    await stage.request();
    await stage.say(`error ${error}`);
    return undefined;
  };

const saved = '20261122T084653Z-7b8d8e9e';
type Told = [where: string, play: Play, code: number];
const plays: [Told, ...Told[]] = [
  [
    'the workspace, paths and the holder of a lock',
    thenSay(
      `waiting 0 ${evil}`,
      'received',
      'changed 1 2 3',
      `drift M\t${evil}`,
      `drift A\t${quoted}`,
      `left-alone ${evil}/`,
      `left-alone ${quoted}`,
      `done TREE ${saved}`,
    ),
    0,
  ],
  ['drift that is refused', thenSay('received', `drift MM\t${evil}`, `drift D\t${quoted}`, 'error drifted x'), 3],
  ['the reason of a failure', thenSay(`error failed ${evil.repeat(50)}`), 1],
  ['who holds a lock', thenSay(`error in-use ${evil}`), 3],
  ['what is forbidden', helloError(`forbidden ${evil}`), 3],
  ['a git that is missing', helloError(`no-git ${evil}`), 1],
  ['a word', (stage) => stage.request().then(() => stage.say(`${evil} x`)) as Promise<undefined>, 1],
  ['messages', (stage) => stage.complain(`${evil}\n`.repeat(100)) as Promise<undefined>, 1],
  ['an unknown failure', thenSay(`error ${evil} ${evil}`), 1],
  ['files that change', thenSay(`error unsettled ${evil}`), 1],
  ['what is missing', thenSay(`error import ${evil}`), 1],
];

describeWith(['ssh-keygen'], 'terminal escapes from the sidecar', () => {
  it.for(scale > 1 ? plays : plays.slice(0, 6))('in %s are shown as text', async ([, played, code], context) => {
    play = played;
    const { words, document } = await syncBothWays();
    expect([words.code, document.code]).toEqual([code, code]);
    expect(`${words.stdout}${words.stderr}${document.stdout}${document.stderr}`).toMatch(/x1b|u001b|\[2J/);
    tried(context, { fault: 'terminal escapes', where: 'in all that the sidecar says', times: 2, outcome: 'harmless' });
  });

  it('in the banner before a login that is refused are shown as text, and a long one in short', async (context) => {
    await using other = await startSshServer({
      banner: evil.repeat(2_000),
      onAuth: (request) => request.reject(['publickey']),
    });
    await user.type('add', 'other', `127.0.0.1:${other.port}`, '--identity', identity, '--no-use');
    const { words } = await syncBothWays('other');
    expect(words.code).toBe(255);
    tried(context, { fault: 'terminal escapes', where: 'in all that the sidecar says', times: 2, outcome: 'harmless' });
  });

  it('in what it says instead of SSH are shown as text', async (context) => {
    let greeting = '';
    const open = new Set<net.Socket>();
    const liesAtOnce = net.createServer((socket) => {
      open.add(socket);
      socket.on('error', () => undefined).end(greeting);
    });
    await once(liesAtOnce.listen(0, '127.0.0.1'), 'listening');
    await user.type(
      'add',
      'none',
      `127.0.0.1:${(liesAtOnce.address() as net.AddressInfo).port}`,
      '--identity',
      identity,
      '--no-use',
    );
    for (greeting of [`${evil}\r\n`.repeat(10), `SSH-2.0-${evil}\r\n`, `SSH-1.5-${evil}\r\n`]) {
      const { code, stderr } = await user.type('sync', '-v', '-s', 'none', '--connect-timeout', '1s');
      expect(code).toBe(255);
      for (const line of stderr.split('\n')) expect(line).not.toMatch(controls);
    }
    for (const socket of open) socket.destroy();
    await once(liesAtOnce.close(), 'close');
    tried(context, { fault: 'terminal escapes', where: 'in all that the sidecar says', times: 3, outcome: 'harmless' });
  });
});

describeWith(['ssh-keygen', 'script'], 'on a terminal', () => {
  it('nothing but our own lines moves the cursor', async (context) => {
    [, play] = plays[0];
    const { stdout } = await user.startOnTerminal('sidecar sync -v').ended;
    // What the live line and colours are made of.
    const shown = stdout
      .replaceAll('\r\n', '\n')
      .replaceAll('\r\x1b[K', '')
      .replace(/\x1b\[\d+m/g, '');
    expect(stdout).toContain('\\x1b[2J');
    for (const line of shown.split('\n')) expect(line).not.toMatch(controls);
    tried(context, { fault: 'terminal escapes', where: 'in all that the sidecar says', times: 1, outcome: 'harmless' });
  });
});

describeWith(['ssh-keygen'], 'a sidecar without end', () => {
  /** The most memory that the program ever held, in MB. */
  async function peakMb(): Promise<number> {
    const note = path.join(user.directory('peak'), 'rss');
    const probe = path.join(user.directory('peak'), 'probe.mjs');
    writeFileSync(
      probe,
      `import { writeFileSync } from 'node:fs';
       process.on('exit', () => writeFileSync(${JSON.stringify(note)}, String(process.resourceUsage().maxRSS)));`,
    );
    const { code } = await user.startWith({ NODE_OPTIONS: `--import=${probe}` }, 'sync').ended;
    expect(code).toBe(1);
    return Number(readFileSync(note, 'utf8')) / 1024;
  }

  const block = 'x'.repeat(65_535);
  const floods: [string, Play, number][] = [
    ['of lines', (s) => forEver(() => s.print(`${block}\n`)), 250],
    ['without a line end', (s) => forEver(() => s.print(block)), 250],
    ['of messages', (s) => forEver(() => s.complain(`${block}\n`)), 250],
    [
      'of the longest paths',
      (s) => untilLanding(s).then(() => forEver(() => s.print(`${s.nonce} left-alone ${block.slice(0, 60_000)}\n`))),
      400,
    ],
    [
      'of the shortest paths',
      (s) => untilLanding(s).then(() => forEver(() => s.print(`${s.nonce} drift A\tx\n`.repeat(2_000)))),
      400,
    ],
  ];
  it.for(scale > 1 ? floods : floods.slice(0, -1))('%s fills no memory here', async ([, played, limitMb], context) => {
    play = played;
    expect(await peakMb()).toBeLessThan(limitMb);
    tried(context, {
      fault: 'endless output',
      where: 'from the sidecar, with the memory measured',
      times: 1,
      outcome: 'refused, nothing changed',
    });
  });
});

describe('what the tests stand on', () => {
  it('is that the escapes are recognized', () => {
    for (const character of evil.replace(/[ -~]/g, '')) expect(character).toMatch(controls);
  });
});
