import { contentOf, targetOf } from './contents.js';
import { rulesText, type Edit } from './edits.js';
import { pathOf } from './names.js';
import type { TreeCase } from './tree-case.js';

/** A case in words, with its paths and contents as they are. */
export function showTrees({ start, format, names, landed, here, there }: TreeCase): string {
  return [
    `start: ${start}, ${format}`,
    ...landed.map((edit) => `first: ${showEdit(edit, names)}`),
    ...here.map((edit) => `here:  ${showEdit(edit, names)}`),
    ...there.map((edit) => `there: ${showEdit(edit, names)}`),
  ].join('\n');
}

export function showEdit(edit: Edit, names: readonly string[]): string {
  const at = (place: readonly number[]): string => JSON.stringify(pathOf(names, place));
  switch (edit.edit) {
    case 'file':
      return `file ${at(edit.at)}${edit.exec ? ', executable' : ''}: ${start(contentOf(edit.content).toString('latin1'))}`;
    case 'link':
      return `link ${at(edit.at)} -> ${start(targetOf(edit.target))}`;
    case 'ignore file':
      return `ignore file in ${at(edit.at)}: ${JSON.stringify(rulesText(names, edit.rules))}`;
    case 'exclude':
      return `exclude ${JSON.stringify(rulesText(names, edit.rules))}`;
    case 'repository':
      return `repository ${at(edit.at)}${edit.commit ? ' with a commit' : ', unborn'}`;
    case 'move':
      return `move number ${edit.pick} to ${at(edit.to)}`;
    case 'stage':
    case 'commit':
      return edit.edit;
    case 'remove':
    case 'recase':
    case 'touch':
    case 'rewrite':
    case 'mode':
    case 'unlink repository':
    case 'track':
    case 'alike':
      return `${edit.edit} number ${edit.pick}`;
  }
}

const start = (text: string): string =>
  JSON.stringify(text.length > 60 ? `${text.slice(0, 30)}… (${text.length} bytes)` : text);
