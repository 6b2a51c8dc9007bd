import type { Node } from 'jsonc-parser';
import type { Entry } from './editor-file.js';
import { isSameJson, valueOf, type Jsonc } from './jsonc.js';

/** An entry of a list that is known by one of its keys. */
export interface Listed {
  readonly name: string;
  readonly value: Readonly<Record<string, unknown>>;
}

/**
 * Puts into a list what it does not have. What has the name of one of ours and is not it stays as it is, unless `force` says
 * otherwise.
 */
export function mergeList(
  file: Jsonc,
  list: readonly (string | number)[],
  wanted: readonly Listed[],
  { key, force }: { readonly key: string; readonly force: boolean },
): Entry[] {
  return wanted.map(({ name, value }): Entry => {
    const array = file.expect('array', ...list);
    const standing = (array.children ?? []).find((node) => nameOf(node, key) === name);
    if (standing === undefined) {
      file.push(array, value);
      return { name, was: 'absent' };
    }
    if (isSameJson(valueOf(standing), value)) return { name, was: 'same' };
    if (!force) return { name, was: 'left-alone' };
    file.replace(standing, value);
    return { name, was: 'replaced' };
  });
}

function nameOf(node: Node, key: string): unknown {
  return node.type === 'object' ? (valueOf(node) as Record<string, unknown>)[key] : undefined;
}
