import type { EditorFile } from './editor-file.js';
import { Jsonc } from './jsonc.js';
import { mergeList, type Listed } from './merge-list.js';
import { tasksFor } from './tasks.js';

/** The tasks of Zed. They run in its terminal, where the place in a problem line is a link. */
export function zedFiles({ testCommand }: { readonly testCommand: readonly string[] | undefined }): EditorFile[] {
  const tasks = tasksFor(testCommand).map(({ label, args }): Listed => ({
    name: label,
    value: { label, command: 'sidecar', args, use_new_terminal: false, allow_concurrent_runs: false, reveal: 'always' },
  }));
  return [
    {
      path: '.zed/tasks.json',
      merge: (existing, { force }) => {
        const file = new Jsonc(existing === undefined || existing.trim() === '' ? '[]\n' : existing);
        const entries = mergeList(file, [], tasks, { key: 'label', force });
        return { text: file.text, entries };
      },
    },
  ];
}
