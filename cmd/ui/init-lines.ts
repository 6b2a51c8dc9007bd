import type { Entry } from '../../src/editors/editor-file.js';
import type { InitedFile } from '../../src/editors/init.js';
import type { Line } from './line.js';

interface Place {
  /** From the root of the working tree. */
  readonly path: string;
  /** The task or the key; absent where it is the file as a whole. */
  readonly entry?: string;
}

interface InitDocument {
  readonly written: readonly Place[];
  readonly unchanged: readonly Place[];
  readonly leftAlone: readonly Place[];
  readonly dryRun: boolean;
}

export function initDocument(files: readonly InitedFile[], dryRun: boolean): InitDocument {
  const places = (...kinds: readonly Entry['was'][]): Place[] =>
    files.flatMap(({ path, entries }) =>
      entries
        .filter(({ was }) => kinds.includes(was))
        .map(({ name }) => ({ path, ...(name !== undefined && { entry: name }) })),
    );
  return { written: places('absent', 'replaced'), unchanged: places('same'), leftAlone: places('left-alone'), dryRun };
}

/** What was done, a line for each file and kind. */
export function initLines(files: readonly InitedFile[]): Line[] {
  return files.flatMap(({ path, entries }) =>
    (['absent', 'replaced', 'same'] as const).flatMap((kind): Line[] => {
      const ones = entries.filter(({ was }) => was === kind);
      if (ones.length === 0) return [];
      const names = namesOf(ones);
      if (kind === 'same') return [[names === '' ? `${path} is there already` : `already in ${path}: ${names}`]];
      const [whole, part] = kind === 'absent' ? ['wrote', 'added to'] : ['replaced', 'replaced in'];
      return [[{ text: '✓ ', style: 'green' }, names === '' ? `${whole} ${path}` : `${part} ${path}: ${names}`]];
    }),
  );
}

/** What is there and is not what it would be, a line for each file. */
export function leftAloneLines(files: readonly InitedFile[]): Line[] {
  return files.flatMap(({ path, entries }) => {
    const ones = entries.filter(({ was }) => was === 'left-alone');
    if (ones.length === 0) return [];
    const names = namesOf(ones);
    const what =
      names === ''
        ? `${path} was left alone, because it differs`
        : `left alone in ${path}, because it differs: ${names}`;
    return [[`${what}; --force replaces it, --dry-run --force shows how`]];
  });
}

/** The texts of files that were left alone, for the user to take over by hand. */
export function snippetLines(files: readonly InitedFile[]): Line[] {
  const snippets = files.flatMap(({ entries }) => entries.flatMap(({ snippet }) => snippet ?? []));
  return snippets.flatMap((snippet) =>
    snippet
      .trimEnd()
      .split('\n')
      .map((line): Line => [line]),
  );
}

function namesOf(entries: readonly Entry[]): string {
  return entries.flatMap(({ name }) => name ?? []).join(', ');
}
