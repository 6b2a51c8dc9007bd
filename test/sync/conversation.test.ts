import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { systemClock, type Clock } from '../../src/clock.js';
import { Conversation } from '../../src/sync/conversation.js';
import { remoteCommand, remoteScriptLine } from '../../src/sync/remote-script.js';
import { fakeClock } from '../fakes/clock.js';
import { memoryTransport } from '../fakes/memory-transport.js';
import { liar, type Stage } from '../faults/hostile/liar.js';

/** A conversation with a far side that does what `play` says once our script has arrived there. */
const talk = (play: (stage: Stage) => Promise<unknown>, clock: Clock = systemClock): Promise<Conversation> =>
  Conversation.start(
    memoryTransport(liar((stage) => play(stage).then(() => undefined))),
    new AbortController().signal,
    clock,
  );

describe('a conversation with the far side', () => {
  it('hears only lines with its nonce', async () => {
    const conversation = await talk(async ({ nonce, print }) => {
      await print(`motd\nfake ready\n${nonce} first\nno newline${nonce} sec`);
      await print(Buffer.from('ond with \xe9\n', 'latin1'));
    });
    expect(await conversation.answer()).toEqual({ word: 'first', rest: '' });
    expect(await conversation.answer()).toEqual({ word: 'second', rest: 'with \xe9' });
  });

  it('hears an answer that comes in pieces, after a page without a newline', async () => {
    const conversation = await talk(async ({ nonce, print }) => {
      await print('x'.repeat(300_000));
      for (const letter of `${nonce} first\n`) await print(letter);
    });
    expect(await conversation.answer()).toEqual({ word: 'first', rest: '' });
  });

  it('takes bytes as they are, after an answer that announces them', async () => {
    const content = Buffer.from(Array.from({ length: 70_000 }, (_, at) => at % 256));
    const conversation = await talk(async ({ nonce, print }) => {
      await print(Buffer.concat([Buffer.from(`${nonce} pack 70000\n`), content, Buffer.from(`${nonce} end\n`)]));
    });
    expect(await conversation.answer()).toEqual({ word: 'pack', rest: '70000' });
    const pieces: Buffer[] = [];
    for await (const piece of conversation.bytes(70_000)) pieces.push(piece);
    expect(Buffer.concat(pieces).equals(content)).toBe(true);
    expect(await conversation.answer()).toEqual({ word: 'end', rest: '' });
  });

  it('fails where fewer bytes come than were announced', async () => {
    const conversation = await talk(({ nonce, print }) => print(`${nonce} pack 10\nshort`));
    await conversation.answer();
    const take = async (): Promise<void> => {
      for await (const piece of conversation.bytes(10)) expect(piece.length).toBeGreaterThan(0);
    };
    await expect(take()).rejects.toMatchObject({ code: 'sync.bad_reply' });
  });

  it('reports an end without an answer, with what was said on stderr', async () => {
    const conversation = await talk(async ({ print, complain }) => {
      await print('sh: not found\n');
      await complain('sh: something is wrong\n');
    });
    await expect(conversation.answer()).rejects.toMatchObject({
      code: 'sync.remote_failed',
      facts: { reason: 'sh: something is wrong', ending: 'exit code 0' },
    });
  });

  it('takes a far side that no longer listens for no failure of what is sent: its last answer counts', async () => {
    const conversation = await talk(({ say }) => say('error failed disk full'));
    const endlessly = Readable.from(
      (function* () {
        for (;;) yield Buffer.alloc(65_536);
      })(),
    );
    await conversation.send(endlessly, () => undefined);
    expect(await conversation.answer()).toEqual({ word: 'error', rest: 'failed disk full' });
  });

  it('fails to send what cannot be read to its end', async () => {
    const conversation = await talk(({ silence }) => silence());
    const broken = new Readable({ read: () => void broken.destroy(new Error('git died')) });
    await expect(conversation.send(broken, () => undefined)).rejects.toThrow('git died');
    await conversation.close();
  });

  it('ends with the error of whoever abandons it first', async () => {
    const conversation = await talk(({ silence }) => silence());
    conversation.abandon(new Error('nothing to send'));
    conversation.abandon(new Error('too late'));
    await expect(conversation.answer()).rejects.toThrow('nothing to send');
  });

  it('gives up on a login shell that never comes to the point', async () => {
    const clock = fakeClock();
    const conversation = await talk(({ silence }) => silence(), clock);
    await expect(clock.until(conversation.answer())).rejects.toMatchObject({
      code: 'sync.remote_failed',
      facts: { reason: expect.stringContaining('start files') as string },
    });
  });

  it('waits for as long as it takes once the first word is said', async () => {
    const clock = fakeClock();
    const conversation = await talk(({ say, silence }) => say('first').then(silence), clock);
    await conversation.answer();
    expect(clock.sleeping).toBe(0);
    await conversation.close();
  });

  it('leaves no wait behind when it is closed', async () => {
    const clock = fakeClock();
    const conversation = await talk(({ silence }) => silence(), clock);
    await conversation.close();
    expect(clock.sleeping).toBe(0);
  });
});

describe('what is sent first', () => {
  it('is the same to every shell: no quote, backslash or exclamation mark within single quotes', () => {
    expect(remoteCommand).toMatch(/^sh -c '[^'\\!\n]+'$/);
  });

  it('is one line of ASCII that begins with its own length, so that every sh counts alike', () => {
    const line = remoteScriptLine('0123456789abcdef01234567');
    const [, length, script = ''] = /^(\d+) ([\x20-\x7e]+)\n$/.exec(line.replaceAll('\t', ' ')) ?? [];
    expect(Number(length)).toBe(script.length);
    expect(script).toMatch(/^nonce=0123456789abcdef01234567\\n/);
  });
});
