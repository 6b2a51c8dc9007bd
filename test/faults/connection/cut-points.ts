import type { Cut } from '../../fakes/memory-transport.js';
import type { Recording } from '../bed/far-login.js';
import { scale } from '../scale.js';

/** Cuts that strike one after another, connection by connection, before one is left alone. */
export type CutSeries = readonly Cut[];

/**
 * Where a connection can be cut. A cut after so many bytes strikes when the next one is to pass: what was sent before it
 * has arrived.
 */
export interface CutPoints {
  /** After every message in either direction, and one byte before and after that. */
  readonly messages: readonly CutSeries[];
  /** Evenly over the pack. */
  readonly pack: readonly CutSeries[];
  /** Evenly over all that is sent, and over all that comes back. */
  readonly anywhere: readonly CutSeries[];
}

export function cutPoints({ sent, received }: Recording): CutPoints {
  const [out, back] = [Buffer.concat(sent), Buffer.concat(received)];
  const requests = lineEnds(out, requestCount(out));
  const packStart = requests.at(-1) ?? 0;
  const [early, late] = answerEnds(back);
  return {
    messages: [
      ...grouped(around(requests, out.length).map(sentCut), 3),
      ...grouped(around(early, back.length).map(receivedCut), 6),
      // From here on each cut leaves another state behind.
      ...grouped(around(late, back.length).map(receivedCut), 1),
    ],
    pack: grouped(evenly(packStart, out.length).map(sentCut), 5),
    anywhere: [
      ...grouped(evenly(0, out.length).map(sentCut), 5),
      ...grouped(evenly(0, back.length).map(receivedCut), 5),
    ],
  };
}

const sentCut = (sentBytes: number): Cut => ({ sentBytes });
const receivedCut = (receivedBytes: number): Cut => ({ receivedBytes });

/** The script, then hello, scan, perhaps common, then land; a pack follows. */
function requestCount(out: Buffer): number {
  const words = out
    .toString('latin1')
    .split('\n', 5)
    .map((line) => line.split(' ', 1)[0]);
  return words.indexOf('land') + 1;
}

/** Where the answers end: those up to the receipt of the pack, and those after it. */
function answerEnds(back: Buffer): [number[], number[]] {
  const lines = back.toString('latin1').split('\n').slice(0, -1);
  const ends = lineEnds(back, lines.length);
  const received = lines.findIndex((line) => line.endsWith(' received'));
  const word = (line = ''): string => line.split(' ')[1] ?? '';
  // A list of drift is one long message; in the usual run its first line stands for all but its last.
  const late = ends.filter((_, index) => {
    const within = word(lines[index - 1]) === word(lines[index]) && word(lines[index]) === word(lines[index + 1]);
    return index > received && (scale > 1 || !within);
  });
  return [ends.slice(0, received + 1), late];
}

function lineEnds(bytes: Buffer, count: number): number[] {
  const ends: number[] = [];
  for (let end = 0; ends.length < count; ends.push(end)) end = bytes.indexOf('\n', end) + 1;
  return ends;
}

const around = (ends: readonly number[], total: number): number[] =>
  ends.flatMap((end) => [end - 1, end, end + 1]).filter((bytes) => bytes < total);

function evenly(from: number, to: number): number[] {
  const count = 20 * scale;
  const at = Array.from({ length: count }, (_, index) => from + Math.floor(((index + 0.5) * (to - from)) / count));
  return [...new Set(at)];
}

function grouped<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  );
}
