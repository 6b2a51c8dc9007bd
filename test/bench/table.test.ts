import { describe, expect, it } from 'vitest';
import type { Sample } from './pass.js';
import { comparison, leftOut, whereTimeGoes, type Rows } from './table.js';

const rows: Rows = {
  tasks: [
    { name: 'no-op', title: 'nothing to do' },
    { name: 'edit', title: 'one edit' },
  ],
  contenders: [
    { name: 'ours', comparedWith: 'ours' },
    { name: 'theirs', comparedWith: 'ours' },
  ],
};

function sample(contender: string, wallMs: number, more: Partial<Sample> = {}): Sample {
  const cost = { wallMs, roundTrips: 4, upBytes: 1_234, downBytes: 999 };
  return { contender, task: 'no-op', files: 1_000, rttMs: 50, ...cost, ...more };
}

/** The cells of each line, the rule below the header left out. */
function cells(table: string): string[][] {
  const lines = table.split('\n').filter((line) => line.startsWith('| ') && !line.startsWith('| --'));
  return lines.map((line) => line.split('|').map((cell) => cell.trim())).map((line) => line.slice(1, -1));
}

describe('the comparison', () => {
  it('has the median, the range, and the ratio to ours, whoever was measured first', () => {
    const samples = [
      ...[900, 2_000, 1_000].map((ms) => sample('theirs', ms, { peakBytes: 12_345_678 })),
      ...[400, 600].map((ms) => sample('ours', ms)),
    ];
    expect(cells(comparison(samples, rows))).toEqual([
      [
        'task',
        'contender',
        'runs',
        'median',
        'min–max',
        'ratio to ours',
        'round trips',
        'bytes up',
        'bytes down',
      ].concat('peak memory'),
      ['nothing to do', 'ours', '2', '0.50 s', '0.40–0.60', '1.00×', '4', '1.2 kB', '999 B', ''],
      ['nothing to do', 'theirs', '3', '1.00 s', '0.90–2.00', '2.00×', '4', '1.2 kB', '999 B', '12.3 MB'],
    ]);
  });

  it('compares what is warm with what is warm of ours, or with our only one', () => {
    const warm = [
      { name: 'ours', comparedWith: 'ours' },
      { name: 'ours-warm', comparedWith: 'ours-warm' },
      { name: 'theirs-warm', comparedWith: 'ours-warm' },
    ];
    const samples = [sample('ours', 1_000), sample('ours-warm', 100), sample('theirs-warm', 500)];
    const ratios = (contenders: Rows['contenders']): unknown[] =>
      cells(comparison(samples, { ...rows, contenders })).map((line) => line[5]);
    expect(ratios(warm)).toEqual(['ratio to ours', '1.00×', '1.00×', '5.00×']);
    expect(ratios(warm.filter(({ name }) => name !== 'ours-warm'))).toEqual(['ratio to ours', '1.00×', '0.50×']);
  });

  it('is a table for each tree and round trip time, its lines in the order of the tasks', () => {
    const samples = [
      sample('ours', 1, { task: 'edit' }),
      sample('ours', 1),
      sample('ours', 1, { files: 14_000, rttMs: 0 }),
    ];
    const text = comparison(samples, rows);
    expect(text.match(/^### .*/gm)).toEqual(['### 1,000 files, 50 ms round trip', '### 14,000 files, 0 ms round trip']);
    const titles = cells(text).map(([title]) => title);
    expect(titles).toEqual(['task', 'nothing to do', 'one edit', 'task', 'nothing to do']);
  });

  it('has no ratio where ours was not measured', () => {
    const [, line] = cells(comparison([sample('theirs', 100)], rows));
    expect(line?.slice(0, 6)).toEqual(['nothing to do', 'theirs', '1', '0.10 s', '0.10–0.10', '']);
  });
});

it('what was left out is named, with the round trip time at which it was', () => {
  const samples = [sample('ours', 1), sample('ours', 1, { task: 'edit' }), sample('ours', 1, { rttMs: 150 })];
  expect(leftOut(samples, rows, [50, 150])).toEqual(['one edit at 150 ms']);
});

it('where the time goes is the median of each part, of those that tell', () => {
  const samples = [10, 30, 20].map((connect) => sample('ours', 99, { partsMs: { connect, pack: 1 } }));
  expect(cells(whereTimeGoes([sample('theirs', 99), ...samples], rows))).toEqual([
    ['task', 'contender', 'files', 'round trip', 'connect', 'pack'],
    ['nothing to do', 'ours', '1,000', '50 ms', '20', '1'],
  ]);
});
