import fc from 'fast-check';
import { content, target } from './contents.js';
import { nameOf, place, type Place } from './names.js';

/** A line of an ignore file, by the numbers of its form and of the name in it. */
export type Rule = readonly [form: number, name: number];

/** One change to a tree. `pick` chooses among what is there, by its number in order. */
export type Edit =
  | { readonly edit: 'file'; readonly at: Place; readonly content: number; readonly exec: boolean }
  | { readonly edit: 'link'; readonly at: Place; readonly target: number }
  | { readonly edit: 'remove' | 'recase'; readonly pick: number }
  /** The time alone, bytes of the same size under the same time, the exec bit. */
  | { readonly edit: 'touch' | 'rewrite' | 'mode'; readonly pick: number }
  | { readonly edit: 'move'; readonly pick: number; readonly to: Place }
  | { readonly edit: 'ignore file'; readonly at: Place; readonly rules: readonly Rule[] }
  /** A repository of its own, or with `unlink`, one that loses its `.git`. */
  | { readonly edit: 'repository'; readonly at: Place; readonly commit: boolean }
  | { readonly edit: 'unlink repository'; readonly pick: number }
  /** These are the user's, in their own repository. */
  | { readonly edit: 'exclude'; readonly rules: readonly Rule[] }
  | { readonly edit: 'track'; readonly pick: number }
  | { readonly edit: 'stage' | 'commit' }
  /** The sidecar makes the same change as the user. */
  | { readonly edit: 'alike'; readonly pick: number };

const pick = fc.nat({ max: 15 });
const rules = fc.array(fc.tuple(fc.nat({ max: 15 }), fc.nat({ max: 3 })), { minLength: 1, maxLength: 4 });
const repository = fc.record({ edit: fc.constant('repository' as const), at: place, commit: fc.boolean() });
const ignoreFile = fc.record({
  edit: fc.constant('ignore file' as const),
  at: fc.oneof(fc.constant([]), place),
  rules,
});

const everywhere: fc.WeightedArbitrary<Edit>[] = [
  {
    weight: 8,
    arbitrary: fc.record({ edit: fc.constant('file' as const), at: place, content, exec: fc.boolean() }),
  },
  { weight: 3, arbitrary: fc.record({ edit: fc.constant('link' as const), at: place, target }) },
  {
    weight: 3,
    arbitrary: fc.record({ edit: fc.constantFrom('remove' as const, 'recase' as const), pick }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ edit: fc.constantFrom('touch' as const, 'rewrite' as const, 'mode' as const), pick }),
  },
  { weight: 2, arbitrary: fc.record({ edit: fc.constant('move' as const), pick, to: place }) },
];

const users: fc.WeightedArbitrary<Edit>[] = [
  { weight: 1, arbitrary: fc.record({ edit: fc.constant('exclude' as const), rules }) },
  { weight: 2, arbitrary: fc.record({ edit: fc.constant('track' as const), pick }) },
  { weight: 2, arbitrary: fc.record({ edit: fc.constantFrom('stage' as const, 'commit' as const) }) },
];

/** Changes to the user's working tree. `tangled` has more of nested repositories and ignore rules. */
export function editsHere(options: { readonly tangled: boolean }): fc.Arbitrary<Edit> {
  const weight = options.tangled ? 5 : 1;
  return fc.oneof(
    ...everywhere,
    ...users,
    { weight, arbitrary: repository },
    {
      weight: options.tangled ? 2 : 1,
      arbitrary: fc.record({ edit: fc.constant('unlink repository' as const), pick }),
    },
    { weight, arbitrary: ignoreFile },
  );
}

/** Changes that somebody makes in the workspace. */
export function editsThere(options: { readonly tangled: boolean }): fc.Arbitrary<Edit> {
  return fc.oneof(
    ...everywhere,
    { weight: 1, arbitrary: ignoreFile },
    ...(options.tangled ? [{ weight: 1, arbitrary: repository }] : []),
    { weight: 2, arbitrary: fc.record({ edit: fc.constant('alike' as const), pick }) },
  );
}

const forms: ((name: string) => string)[] = [
  () => '*.o',
  (name) => name,
  (name) => `/${name}`,
  (name) => `${name}/`,
  (name) => `!${name}`,
  () => '!*.o',
  () => '*',
  () => '!*/',
  () => '/*',
  (name) => `/${name}/*`,
  (name) => `**/${name}`,
  (name) => `${name}/**`,
  (name) => `${name}/${name}`,
  (name) => `#${name}`,
  (name) => `${name}  `,
  () => '!.gitignore',
];

/** The ignore file as bytes, one character each. */
export function rulesText(names: readonly string[], rules: readonly Rule[]): string {
  // A pattern is one line: a mark that stands for any character takes the place of a line end.
  const pattern = (name: string): string => name.replace(/[\\*?[\]#! ]/g, '\\$&').replace(/\n|\r$/g, '?');
  return rules.map(([form, name]) => (forms[form] ?? String)(pattern(nameOf(names, name))) + '\n').join('');
}
