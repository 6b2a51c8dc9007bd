import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SidecarError } from '../../../src/errors.js';
import type { SyncResult } from '../../../src/sync/result.js';
import { fingerprint } from '../../fakes/git-repo.js';
import { memoryTransport } from '../../fakes/memory-transport.js';
import { FarSide } from '../../sync/far-side.js';
import { tried } from '../ledger.js';
import { forEver, helloLines, liar, untilLanding, type Stage } from './liar.js';

type Play = (stage: Stage) => Promise<undefined>;

let side: FarSide;
let ids: Record<'blob' | 'tree' | 'tag' | 'commit', string>;
beforeAll(() => {
  side = new FarSide();
  side.repo.write('f', 'x\n');
  side.repo.git('config', 'user.name', 'Ada');
  const commit = side.repo.commit();
  side.repo.git('tag', '-a', 'v1', '-m', 'a tag');
  const named = (name: string): string => side.repo.git('rev-parse', name);
  ids = { blob: named('HEAD:f'), tree: named('HEAD^{tree}'), tag: named('v1'), commit };
});
afterAll(() => side.remove());

/** A sync to that far side. Whatever comes of it, the repository here is as it was. */
async function syncTo(play: Play, signal = new AbortController().signal): Promise<SyncResult | SidecarError> {
  const before = fingerprint(side.repo.root);
  const open = (): Promise<{ transport: ReturnType<typeof memoryTransport>; attempts: number; elapsedMs: number }> =>
    Promise.resolve({ transport: memoryTransport(liar(play)), attempts: 1, elapsedMs: 0 });
  const outcome = await side.sync({ open, signal }).catch((error: unknown) => error as SidecarError);
  expect(fingerprint(side.repo.root)).toBe(before);
  return outcome;
}

const sayAll =
  (...answers: (string | Buffer)[]): Play =>
  async (stage) => {
    await stage.request();
    for (const answer of answers) await stage.say(answer);
    return undefined;
  };

/** Answers after an honest hello and a request for a landing; TREE stands for the tree that is to land. */
const landing =
  (...answers: string[]): Play =>
  async (stage) => {
    const tree = await untilLanding(stage);
    for (const answer of answers) await stage.say(answer.replace('TREE', tree));
    return undefined;
  };

const floods: [string, Play, RegExp][] = [
  ['bytes that are no text', (s) => forEver(() => s.print(Buffer.alloc(65_536, 0xe9))), /without end/],
  ['zeros', (s) => forEver(() => s.print(Buffer.alloc(65_536))), /without end/],
  ['empty lines', (s) => forEver(() => s.print('\n'.repeat(65_536))), /without end/],
  ['lines without the nonce', (s) => forEver(() => s.print('ready\n'.repeat(8_192))), /without end/],
  ['the nonce cut short', (s) => forEver(() => s.print(s.nonce.slice(0, 23).repeat(512))), /without end/],
  ['one answer that does not end', (s) => forEver(() => s.print(`${s.nonce} git ${'9'.repeat(8_192)}`)), /without end/],
  ['messages', (s) => forEver(() => s.complain('sh: no\n'.repeat(8_192))), /without end/],
  ['the same fact of hello', (s) => forEver(() => s.say('git git version 2.39.5')), /git twice/],
  ['a base', (s) => forEver(() => s.say(`base HEAD ${'0'.repeat(40)}`)), /base twice/],
  ['words that we do not know', (s) => forEver(() => s.say('hello')), /unexpected word/],
  ['that it waits', (s) => inLanding(s, 'waiting 0 somebody'), /waits, without end/],
  ['drifted paths', (s) => inLanding(s, `drift A\t${'p'.repeat(100)}`), /paths without end/],
  ['long drifted paths', (s) => inLanding(s, `drift A\t${'long/'.repeat(10_000)}`), /paths without end/],
  ['repositories left alone', (s) => inLanding(s, `left-alone ${'r'.repeat(2_000)}/`), /paths without end/],
  ['that it received', (s) => inLanding(s, 'received'), /unexpected word, received/],
];

async function inLanding(stage: Stage, answer: string): Promise<undefined> {
  await untilLanding(stage);
  // Many at a time: it is the client that is to be tired.
  return forEver(() => stage.print(`${stage.nonce} ${answer}\n`.repeat(Math.ceil(20_000 / answer.length))));
}

describe('a far side without end', () => {
  it.for(floods)('of %s is cut off', async ([, play, reason], context) => {
    expect(await syncTo(play)).toMatchObject({
      code: 'sync.bad_reply',
      facts: { reason: expect.stringMatching(reason) as string },
    });
    tried(context, {
      fault: 'endless output',
      where: 'from the sidecar, of 15 kinds',
      times: 1,
      outcome: 'refused, nothing changed',
    });
  });
});

const id = 'a'.repeat(40);
const lies: [string, Play][] = [
  ['nothing but ready', sayAll('ready')],
  ['no git version', sayAll(...helloLines({ git: 'x' }))],
  ['a git version without end', sayAll(`git git version ${'9'.repeat(60_000)}`, 'ready')],
  ['a relative workspace', sayAll(...helloLines({ workspace: 'app' }))],
  ['no workspace', sayAll('git git version 2.39.5', 'ready')],
  ['a workspace longer than any path', sayAll(`workspace /${'x'.repeat(5_000)}`)],
  ['a base that is an option', sayAll('base HEAD --upload-pack=touch')],
  ['a base with an option for a name', sayAll(`base --output=x ${id}`)],
  ['a base and more', sayAll(`base HEAD ${id} ${id}`)],
  ['a landing that is an option', sayAll('landed --output=/tmp/x')],
  ['a landing that is a name', sayAll('landed HEAD')],
  ['a landing that is a path', sayAll('landed ../../etc/passwd')],
  ['a landing in capitals', sayAll(`landed ${id.toUpperCase()}`)],
  ['a landing with a zero byte', sayAll(`landed ${id}\0`)],
  ['a landing with a line end of DOS', sayAll(`landed ${id}\r`)],
  ['ignore rules that are an option', sayAll('rules --all')],
  ['a common commit that nobody named', commonly(id)],
  ['a common commit that is an option', commonly('--all')],
  ['another word for common', (stage) => afterHello(stage, 'received')],
  ['done before it received', landing('done TREE -')],
  ['changes before it received', landing('changed 1 0 0')],
  ['done before it said what changed', landing('received', 'done TREE -')],
  ['that it received, twice', landing('received', 'received')],
  ['what changed, twice', landing('received', 'changed 1 0 0', 'changed 1 0 0')],
  ['a negative count', landing('received', 'changed -1 0 0')],
  ['a count too large to count', landing('received', 'changed 99999999999999999999 0 0')],
  ['a count in words', landing('received', 'changed one 0 0')],
  ['a count with an exponent', landing('received', 'changed 1e9 0 0')],
  ['too few counts', landing('received', 'changed 1 0')],
  ['counts that are blank', landing('received', 'changed   ')],
  ['too many counts', landing('received', 'changed 1 0 0 0')],
  ['drift without a path', landing('received', 'drift A')],
  ['drift with no letter', landing('received', 'drift \tx')],
  ['a tree that is an option', landing('received', 'changed 1 0 0', 'done --output=x -')],
  ['saved drift whose id is a path', landing('received', 'changed 1 0 0', 'done TREE ../../heads/main')],
  ['saved drift whose id is an option', landing('received', 'changed 1 0 0', 'done TREE --all')],
  ['done, and more', landing('received', 'changed 1 0 0', 'done TREE - -')],
  ['hello again', landing('received', 'git git version 2.39.5')],
];

function commonly(answer: string): Play {
  return (stage) => afterHello(stage, `common ${answer}`);
}

/** Claims a base that is unknown here, so that the client asks what both sides have. */
async function afterHello(stage: Stage, answer: string): Promise<undefined> {
  await stage.request();
  for (const line of ['git git version 2.39.5', 'workspace /home/dev/app', `base HEAD ${id}`, 'ready'])
    await stage.say(line);
  await stage.request();
  await stage.say(answer);
  return undefined;
}

describe('a far side that answers', () => {
  it.for(lies)('%s is not believed', async ([, play], context) => {
    const outcome = await syncTo(play);
    expect(outcome).toBeInstanceOf(SidecarError);
    expect(['sync.bad_reply', 'sync.remote_git']).toContain((outcome as SidecarError).code);
    tried(context, {
      fault: 'malformed answers',
      where: 'from the sidecar',
      times: 1,
      outcome: 'refused, nothing changed',
    });
  });

  it('with another tree has proved nothing', async (context) => {
    const outcome = await syncTo(landing('received', 'changed 1 0 0', `done ${id} -`));
    expect(outcome).toMatchObject({ code: 'sync.not_proved', facts: { actual: id } });
    tried(context, {
      fault: 'a wrong tree id',
      where: 'from the sidecar',
      times: 1,
      outcome: 'refused, nothing changed',
    });
  });

  it.for(['blob', 'tree', 'tag'] as const)(
    'with the id of a %s of ours for a commit has nothing in common with us',
    async (kind, context) => {
      for (const claim of [
        { landed: ids[kind] },
        { base: `HEAD ${ids[kind]}` },
        { landed: ids.commit, head: ids[kind] },
      ]) {
        const outcome = await syncTo(async (stage) => {
          const tree = await untilLanding(stage, helloLines(claim));
          for (const answer of ['received', 'changed 1 0 0', `done ${tree} -`]) await stage.say(answer);
          return undefined;
        });
        expect(outcome).toMatchObject({ verified: true });
      }
      tried(context, {
        fault: 'ids of objects that are no commits',
        where: 'from the sidecar',
        times: 3,
        outcome: 'harmless',
      });
    },
  );

  it('that everything is in place cannot be told from one that is honest: the tree id is all there is to compare', async () => {
    expect(await syncTo(landing('received', 'changed 1 0 0', 'done TREE -'))).toMatchObject({ verified: true });
  });

  it('that objects are missing, again and again, is asked once more and no further', async (context) => {
    let asked = 0;
    const outcome = await syncTo(async (stage) => {
      asked += 1;
      await untilLanding(stage);
      await stage.say('error import bad object');
      return undefined;
    });
    expect(outcome).toMatchObject({ code: 'sync.remote_failed' });
    expect(asked).toBe(2);
    tried(context, {
      fault: 'malformed answers',
      where: 'from the sidecar',
      times: 1,
      outcome: 'refused, nothing changed',
    });
  });

  it('an error at length is shown in short', async () => {
    const outcome = await syncTo(landing(`error failed ${'why '.repeat(10_000)}`));
    expect(String((outcome as SidecarError).facts['reason']).length).toBeLessThan(1_100);
  });
});

describe('a far side that ends', () => {
  it.for([
    ['before it said anything', () => Promise.resolve(undefined)],
    ['after hello', sayAll(...helloLines())],
    ['after it received', landing('received')],
    ['between drift and done', landing('received', 'changed 1 0 0', 'drift A\tx')],
  ] as [string, Play][])('%s is an error with its reason', async ([, play], context) => {
    const outcome = await syncTo(async (stage) => {
      await stage.complain('sh: gone\n');
      return play(stage);
    });
    expect(outcome).toMatchObject({ code: 'sync.remote_failed', facts: { reason: 'sh: gone' } });
    tried(context, {
      fault: 'an early end',
      where: 'of the script on the sidecar',
      times: 1,
      outcome: 'refused, nothing changed',
    });
  });

  it.for(['hello', 'land'] as const)('never, nor answers to %s, is left at Ctrl-C', async (until, context) => {
    const interrupt = new AbortController();
    const outcome = await syncTo(async (stage) => {
      await (until === 'hello' ? stage.request() : untilLanding(stage));
      interrupt.abort(new Error('interrupted'));
      await stage.silence();
      return undefined;
    }, interrupt.signal);
    expect(outcome).toMatchObject({ message: 'interrupted' });
    tried(context, {
      fault: 'silence',
      where: 'from the sidecar, until Ctrl-C',
      times: 1,
      outcome: 'refused, nothing changed',
    });
  });
});
