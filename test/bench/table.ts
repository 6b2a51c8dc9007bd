import { markdown } from './markdown.js';
import type { Sample } from './pass.js';

/** What the rows are, in their order. */
export interface Rows {
  readonly tasks: readonly { readonly name: string; readonly title: string }[];
  /** By name. One whose partner does not take part is compared with the first. */
  readonly contenders: readonly { readonly name: string; readonly comparedWith: string }[];
}

/** What was measured, in Markdown: a table for each tree and round trip time. */
export function comparison(samples: readonly Sample[], rows: Rows): string {
  const groups = groupBy(samples, ({ files, rttMs }) => `### ${count(files)} files, ${rttMs} ms round trip`);
  return [...groups].map(([heading, group]) => `${heading}\n\n${oneTable(group, rows)}`).join('\n\n');
}

/** What was never done on the tree that the samples are of. */
export function leftOut(samples: readonly Sample[], { tasks }: Rows, rttsMs: readonly number[]): string[] {
  const done = new Set(samples.map(({ task, rttMs }) => `${task} ${rttMs}`));
  return rttsMs.flatMap((rttMs) =>
    tasks.filter(({ name }) => !done.has(`${name} ${rttMs}`)).map(({ title }) => `${title} at ${rttMs} ms`),
  );
}

/** Where the time of the contenders goes that say so, in Markdown: the median of each part, in milliseconds. */
export function whereTimeGoes(samples: readonly Sample[], { tasks, contenders }: Rows): string {
  const telling = samples.filter((each) => each.partsMs !== undefined);
  const parts = [...new Set(telling.flatMap((each) => Object.keys(each.partsMs ?? {})))];
  const groups = groupBy(telling, ({ files, rttMs }) => `${files} ${rttMs}`);
  const lines = [...groups.values()].flatMap((group) =>
    tasks.flatMap(({ name, title }) =>
      contenders.flatMap(({ name: contender }) => {
        const theirs = group.filter((each) => each.task === name && each.contender === contender);
        const [first] = theirs;
        if (first === undefined) return [];
        const medians = parts.map((part) => median(theirs.map((each) => each.partsMs?.[part] ?? 0)).toFixed(0));
        return [[title, contender, count(first.files), `${first.rttMs} ms`, ...medians]];
      }),
    ),
  );
  return markdown(['task', 'contender', 'files', 'round trip', ...parts], lines);
}

function oneTable(samples: readonly Sample[], { tasks, contenders }: Rows): string {
  const lines = tasks.flatMap(({ name, title }) => {
    const of = (contender: string): Sample[] =>
      samples.filter((each) => each.task === name && each.contender === contender);
    const partner = (comparedWith: string): Sample[] =>
      of((contenders.find((each) => each.name === comparedWith) ?? contenders[0])?.name ?? '');
    return contenders
      .filter((contender) => of(contender.name).length > 0)
      .map((contender) => [title, contender.name, ...figures(of(contender.name), partner(contender.comparedWith))]);
  });
  const costs = ['round trips', 'bytes up', 'bytes down', 'peak memory'];
  return markdown(['task', 'contender', 'runs', 'median', 'min–max', 'ratio to ours', ...costs], lines);
}

function figures(theirs: readonly Sample[], ours: readonly Sample[]): string[] {
  const times = theirs.map((each) => each.wallMs);
  const peaks = theirs.flatMap(({ peakBytes }) => (peakBytes === undefined ? [] : [peakBytes]));
  return [
    count(times.length),
    `${seconds(median(times))} s`,
    `${seconds(Math.min(...times))}–${seconds(Math.max(...times))}`,
    ours.length === 0 ? '' : `${(median(times) / median(ours.map((each) => each.wallMs))).toFixed(2)}×`,
    count(Math.round(median(theirs.map((each) => each.roundTrips)))),
    size(median(theirs.map((each) => each.upBytes))),
    size(median(theirs.map((each) => each.downBytes))),
    peaks.length === 0 ? '' : size(median(peaks)),
  ];
}

/** In the order in which each key comes up first. */
function groupBy<T>(list: readonly T[], keyOf: (each: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const each of list) {
    const key = keyOf(each);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [each]);
    else group.push(each);
  }
  return groups;
}

function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const [low = 0, high = 0] = [sorted[Math.ceil(sorted.length / 2) - 1], sorted[Math.floor(sorted.length / 2)]];
  return (low + high) / 2;
}

function seconds(ms: number): string {
  return (ms / 1_000).toFixed(2);
}

function count(number: number): string {
  return number.toLocaleString('en');
}

function size(bytes: number): string {
  if (bytes < 1_000) return `${Math.round(bytes)} B`;
  return bytes < 1_000_000 ? `${(bytes / 1_000).toFixed(1)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}
