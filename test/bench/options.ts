import { parseArgs } from 'node:util';

export interface Options {
  /** How many files the generated trees have, one tree each. */
  readonly files: readonly number[];
  /** How often each task is done on each tree. */
  readonly rounds: number;
  /** No round but the first begins that would end later than this after the start of the process, as far as can be told. */
  readonly budgetMs: number;
}

export const usage = `usage: npm run bench -- [--quick] [--files 1000,14000] [--rounds 5]

  --files N[,N…]   sizes of the generated trees (default 1000,14000)
  --rounds N       how often each task is done on each of them (default 5)
  --quick          --files 1000 --rounds 3, or as many rounds as fit into a minute`;

/** The words on the command line ask for nothing that can be done. */
export class UsageError extends Error {}

/** What the words ask for, or 'help'. What is said outright wins over `--quick`. Throws UsageError. */
export function parseOptions(argv: readonly string[]): Options | 'help' {
  const { files, rounds, quick, help } = parse(argv);
  if (help === true) return 'help';
  const [defaultFiles, defaultRounds] = quick === true ? ['1000', '3'] : ['1000,14000', '5'];
  return {
    files: (files ?? defaultFiles).split(',').map((each) => positive('--files', each)),
    rounds: positive('--rounds', rounds ?? defaultRounds),
    budgetMs: quick === true ? 60_000 : Infinity,
  };
}

function parse(argv: readonly string[]): { files?: string; rounds?: string; quick?: boolean; help?: boolean } {
  try {
    return parseArgs({
      args: [...argv],
      options: {
        files: { type: 'string' },
        rounds: { type: 'string' },
        quick: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function positive(option: string, text: string): number {
  const value = Number(text.trim());
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new UsageError(`${option}: "${text}" is not a whole number above 0`);
}
