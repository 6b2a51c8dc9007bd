import fc from 'fast-check';
import { editsHere, editsThere, type Edit } from './edits.js';
import { names } from './names.js';
import { showEdit } from './show.js';
import type { Format } from './tree-id.js';

/** One thing that happens to a pair of trees. */
export type Step =
  | { readonly step: 'edit here' | 'edit there'; readonly edit: Edit }
  | { readonly step: 'sync' | 'dry run' | 'refusing sync' }
  /** The connection goes after so many bytes: see `Interruption`. */
  | {
      readonly step: 'cut';
      readonly direction: 'sent' | 'received';
      readonly bytes: number;
      readonly worksOn: boolean;
      readonly comesBack: boolean;
    };

export interface Chain {
  readonly format: Format;
  readonly names: readonly string[];
  readonly steps: readonly Step[];
}

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ step: fc.constant('edit here' as const), edit: editsHere({ tangled: false }) }) },
  {
    weight: 4,
    arbitrary: fc.record({ step: fc.constant('edit there' as const), edit: editsThere({ tangled: false }) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      step: fc.constantFrom('sync' as const, 'sync' as const, 'dry run' as const, 'refusing sync' as const),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      step: fc.constant('cut' as const),
      direction: fc.constantFrom('sent' as const, 'received' as const),
      bytes: fc.nat({ max: 900 }),
      worksOn: fc.boolean(),
      comesBack: fc.boolean(),
    }),
  },
);

/** A first landing is under way or done when the steps begin to matter: half of the chains start with one. */
export const chain: fc.Arbitrary<Chain> = fc.record({
  format: fc.constantFrom('sha1' as const, 'sha1' as const, 'sha1' as const, 'sha256' as const),
  // A link of this name stops a sync for good: what random trees do with it is tried where nothing is interrupted.
  names: names.map((list) => list.map((name) => (name === '.gitmodules' ? '.gitmodule' : name))),
  steps: fc.array(step, { minLength: 1, maxLength: 10 }),
});

export function showChain({ format, names, steps }: Chain): string {
  return [`format: ${format}`, ...steps.map((one) => showStep(one, names))].join('\n');
}

function showStep(step: Step, names: readonly string[]): string {
  switch (step.step) {
    case 'edit here':
    case 'edit there':
      return `${step.step}: ${showEdit(step.edit, names)}`;
    case 'cut':
      return (
        `sync cut after ${step.bytes} bytes ${step.direction}; the far half ${step.worksOn ? 'works on' : 'is killed'}, ` +
        `the connection ${step.comesBack ? 'comes back' : 'is gone'}`
      );
    case 'sync':
    case 'dry run':
    case 'refusing sync':
      return step.step;
  }
}
