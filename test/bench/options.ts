import path from 'node:path';
import { parseArgs } from 'node:util';
import type { Contender } from './contender.js';
import { contenders } from './contenders.js';
import { tasks, type Task } from './tasks.js';

export interface Options {
  /** How many files the generated trees have, one tree each. */
  readonly files: readonly number[];
  /** Round trip times of the network. */
  readonly rttsMs: readonly number[];
  /** How often each task is done on each tree, at each round trip time. */
  readonly rounds: number;
  readonly tasks: readonly Task[];
  readonly contenders: readonly Contender[];
  /** The Node that runs our client. */
  readonly node: string;
  /** Where every sample is written to. */
  readonly json?: string;
  /** Nothing begins that would end later than this after the start, as far as can be told. */
  readonly budgetMs: number;
}

const names = {
  tasks: tasks.map((task) => task.name),
  contenders: contenders.map((contender) => contender.name),
};

const whole = { files: '1000,14000,100000', rtt: '0,20,50,150', rounds: '5', tasks: names.tasks.join() };

/** What fits into 90 s with the time to build it all, on a machine that has other things to do too. */
const quick = {
  files: '1000',
  rtt: '0,50',
  rounds: '3',
  tasks: 'first-clone,first-empty,no-op,switch,edit',
};

export const usage = `usage: npm run bench -- [--quick] [--files 1000,14000] [--rtt 0,50] [--tasks no-op,edit] …

  --files N[,N…]    sizes of the generated trees (default ${whole.files})
  --rtt MS[,MS…]    round trip times of the network (default ${whole.rtt})
  --rounds N        how often each task is done, at each of them (default ${whole.rounds})
  --tasks T[,T…]    of ${names.tasks.join(', ')}
                    (default all)
  --contenders C[,C…]  of ${names.contenders.join(', ')} (default all that are installed);
                    the table compares each with ours of its kind
  --node FILE       the Node that runs sidecar (default the one that runs this)
  --json FILE       write every sample there
  --quick           --files ${quick.files} --rtt ${quick.rtt} --rounds ${quick.rounds}
                    --tasks ${quick.tasks}, or as much of it as fits into a minute`;

/** The words on the command line ask for nothing that can be done. */
export class UsageError extends Error {}

/** What the words ask for, or 'help'. What is said outright wins over `--quick`. Throws UsageError. */
export function parseOptions(argv: readonly string[]): Options | 'help' {
  const said = parse(argv);
  if (said.help === true) return 'help';
  const defaults = said.quick === true ? quick : whole;
  const { files, rtt, rounds, ...chosen } = { ...defaults, contenders: names.contenders.join(), ...said };
  return {
    files: files.split(',').map((each) => wholeNumber('--files', each, 1)),
    rttsMs: rtt.split(',').map((each) => wholeNumber('--rtt', each, 0)),
    rounds: wholeNumber('--rounds', rounds, 1),
    tasks: choose('--tasks', chosen.tasks, tasks),
    contenders: choose('--contenders', chosen.contenders, contenders),
    node: programPath(said.node ?? process.execPath),
    ...(said.json === undefined ? {} : { json: said.json }),
    budgetMs: said.quick === true ? 55_000 : Infinity,
  };
}

type Said = Partial<Record<'files' | 'rtt' | 'rounds' | 'tasks' | 'contenders' | 'node' | 'json', string>> &
  Partial<Record<'quick' | 'help', boolean>>;

function parse(argv: readonly string[]): Said {
  try {
    return parseArgs({
      args: [...argv],
      options: {
        files: { type: 'string' },
        rtt: { type: 'string' },
        rounds: { type: 'string' },
        tasks: { type: 'string' },
        contenders: { type: 'string' },
        node: { type: 'string' },
        json: { type: 'string' },
        quick: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function wholeNumber(option: string, text: string, least: number): number {
  const value = Number(text.trim());
  if (text.trim() !== '' && Number.isSafeInteger(value) && value >= least) return value;
  throw new UsageError(`${option}: "${text}" is not a whole number of at least ${least}`);
}

/** It is run in another directory. A bare name is looked up on PATH there as here. */
function programPath(program: string): string {
  return program.includes('/') ? path.resolve(program) : program;
}

/** Those that are named, in the order in which they are listed here. */
function choose<T extends { readonly name: string }>(option: string, text: string, all: readonly T[]): T[] {
  const wanted = new Set(text.split(',').map((each) => each.trim()));
  const chosen = all.filter((each) => wanted.delete(each.name));
  const [unknown] = wanted;
  if (unknown === undefined) return chosen;
  throw new UsageError(`${option}: there is no "${unknown}", only ${all.map((each) => each.name).join(', ')}`);
}
