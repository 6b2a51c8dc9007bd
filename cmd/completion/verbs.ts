import type { Argument, Command, Option } from 'commander';

/** What may stand in a place of the command line. */
export type Takes =
  | { readonly kind: 'choice'; readonly values: readonly string[] }
  /** A sidecar of the list. */
  | { readonly kind: 'sidecar' }
  /** The id of saved drift, which only the sidecar knows. */
  | { readonly kind: 'drift' }
  | { readonly kind: 'file' }
  | { readonly kind: 'directory' }
  /** A command line: a program, and what it is given. */
  | { readonly kind: 'command' }
  /** Something new, or of which nothing is known here. */
  | { readonly kind: 'anything' };

export interface Flag {
  /** `-s`, `--sidecar`, or one of them. */
  readonly names: readonly string[];
  readonly description: string;
  /** What its value is called, and what it takes. Absent: it has none. */
  readonly value?: Place;
}

export interface Place {
  readonly label: string;
  readonly takes: Takes;
  readonly many: boolean;
}

/** A verb of the command line, as its shells complete it. */
export interface Verb {
  /** The verbs that lead to it, and itself: `drift show`. Empty for the program. */
  readonly path: string;
  readonly name: string;
  readonly description: string;
  readonly flags: readonly Flag[];
  readonly places: readonly Place[];
  readonly verbs: readonly Verb[];
}

/** The verbs of a program, as it was made. What every verb takes are the flags of the program itself. */
export function verbsOf(program: Command): Verb {
  return verbOf(program, '');
}

function verbOf(command: Command, path: string): Verb {
  const help = command.createHelp();
  return {
    path,
    name: command.name(),
    description: command.summary() || command.description(),
    flags: help.visibleOptions(command).map(flagOf),
    places: command.registeredArguments.map((argument) => ({
      label: argument.name(),
      takes: takenBy(argument, command),
      many: argument.variadic,
    })),
    verbs: help.visibleCommands(command).map((each) => verbOf(each, `${path} ${each.name()}`.trim())),
  };
}

function flagOf(option: Option): Flag {
  const { short, long, description } = option;
  const names = [short, long].filter((name) => name !== undefined);
  if (!option.required && !option.optional) return { names, description };
  const label = /[<[]([^>\]]+)/.exec(option.flags)?.[1] ?? 'value';
  return { names, description, value: { label, takes: takenByOption(option, label), many: false } };
}

/** The words in angle brackets say what is meant. */
function takenByOption({ long, argChoices }: Option, label: string): Takes {
  if (argChoices !== undefined) return { kind: 'choice', values: argChoices };
  if (long === '--sidecar') return { kind: 'sidecar' };
  if (label === 'file') return { kind: 'file' };
  return { kind: label === 'dir' ? 'directory' : 'anything' };
}

/** These are given the name of a sidecar that is there already. */
const aboutSidecars = new Set(['use', 'forget', 'delete']);

function takenBy(argument: Argument, command: Command): Takes {
  if (argument.argChoices !== undefined) return { kind: 'choice', values: argument.argChoices };
  const siblings = command.parent?.commands ?? [];
  if (command.name() === 'help') return { kind: 'choice', values: siblings.map((each) => each.name()) };
  switch (argument.name()) {
    case 'name':
      return { kind: aboutSidecars.has(command.name()) ? 'sidecar' : 'anything' };
    case 'id':
    case 'ids':
      return { kind: 'drift' };
    case 'path':
    case 'paths':
      return { kind: 'file' };
    case 'command':
      return { kind: 'command' };
    default:
      return { kind: 'anything' };
  }
}

/** All verbs below one, and itself. */
export function everyVerb(verb: Verb): readonly Verb[] {
  return [verb, ...verb.verbs.flatMap(everyVerb)];
}
