import type { Reporter, TestCase, TestModule } from 'vitest/node';
import type { FaultTrial } from './ledger.js';

/** Prints, after the run, the table of all faults that tests have tried: the README's section on reliability holds it. */
export default class FaultTable implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const rows = new Map<string, FaultTrial>();
    for (const test of modules.flatMap((module) => [...module.children.allTests()])) {
      for (const trial of trialsOf(test)) {
        const key = [trial.fault, trial.where, trial.outcome].join('|');
        rows.set(key, { ...trial, times: trial.times + (rows.get(key)?.times ?? 0) });
      }
    }
    const lines = [...rows.values()].map(({ fault, where, times, outcome }) => [fault, where, String(times), outcome]);
    lines.sort(([a = ''], [b = '']) => a.localeCompare(b));
    const table = [['fault', 'where', 'times', 'outcome'], ['---', '---', '--:', '---'], ...lines];
    console.log(`\n${table.map((cells) => `| ${cells.join(' | ')} |`).join('\n')}\n`);
  }
}

/** A test that failed has lost something, or cannot tell. */
function trialsOf(test: TestCase): readonly FaultTrial[] {
  const trials = test.meta().faults ?? [];
  return test.result().state === 'passed' ? trials : [];
}
