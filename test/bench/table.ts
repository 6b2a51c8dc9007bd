import type { Sample } from './measure.js';

/** The samples of one task on one tree. */
interface Row {
  readonly task: string;
  readonly files: number;
  of(contender: string): readonly Sample[];
}

/** What was measured, in Markdown: `ours` beside each of the others, and how many times as long those take. */
export function comparison(samples: readonly Sample[], ours: string, others: readonly string[]): string {
  const header = [
    'task',
    'files',
    'rounds',
    ours,
    ...others.flatMap((each) => [each, `${each} / ${ours}`]),
    `sent by ${ours}`,
  ];
  const lines = rowsOf(samples).map((row) => {
    const mine = row.of(ours);
    const against = others.map((each) => row.of(each)).flatMap((theirs) => [spread(theirs), ratio(theirs, mine)]);
    return [
      row.task,
      count(row.files),
      count(mine.length),
      spread(mine),
      ...against,
      size(median(mine.map((each) => each.sentBytes ?? 0))),
    ];
  });
  return markdown(header, lines);
}

/** Where the time of one contender goes, in Markdown: the median of each part, in milliseconds. */
export function parts(samples: readonly Sample[], contender: string): string {
  const names = Object.keys(samples.find((each) => each.contender === contender)?.partsMs ?? {});
  const lines = rowsOf(samples).map((row) => {
    const medians = names.map((name) => median(row.of(contender).map((each) => each.partsMs?.[name] ?? 0)));
    return [row.task, count(row.files), ...medians.map((ms) => ms.toFixed(0))];
  });
  return markdown(['task', 'files', ...names], lines);
}

/** In the order in which they were first measured. */
function rowsOf(samples: readonly Sample[]): Row[] {
  const rows = new Map<string, Row>();
  for (const { task, files } of samples) {
    const of = (contender: string): Sample[] =>
      samples.filter((each) => each.task === task && each.files === files && each.contender === contender);
    rows.set(`${files} ${task}`, { task, files, of });
  }
  return [...rows.values()];
}

function spread(samples: readonly Sample[]): string {
  const times = samples.map((each) => each.wallMs);
  return `${seconds(median(times))} s (${seconds(Math.min(...times))}–${seconds(Math.max(...times))})`;
}

function ratio(theirs: readonly Sample[], ours: readonly Sample[]): string {
  const [above, below] = [theirs, ours].map((each) => median(each.map((sample) => sample.wallMs))) as [number, number];
  return `${(above / below).toFixed(2)}×`;
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

function markdown(header: readonly string[], lines: readonly (readonly string[])[]): string {
  const widths = header.map((title, column) =>
    Math.max(title.length, ...lines.map((line) => line[column]?.length ?? 0)),
  );
  const rule = widths.map((width) => '-'.repeat(width));
  const text = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  return [header, rule, ...lines].map(text).join('\n');
}
