import type { EditorFile, Entry } from './editor-file.js';
import { Jsonc } from './jsonc.js';
import { mergeList, type Listed } from './merge-list.js';
import { problemPattern } from './problem-pattern.js';
import { syncTask, testTask, watchTask, type EditorTask } from './tasks.js';

/** The tasks of Visual Studio Code, and of what reads its files. */
export function vscodeFiles({ testCommand }: { readonly testCommand: readonly string[] | undefined }): EditorFile[] {
  // Without a command that is known, it asks for one: a line of shell, as one word.
  const command = testCommand ?? ['sh', '-c', `\${input:${commandInput.id}}`];
  const tasks = [syncTask, watchTask, testTask(command)].map((task): Listed => ({
    name: task.label,
    value: taskOf(task),
  }));
  const inputs = testCommand === undefined ? [{ name: commandInput.id, value: commandInput }] : [];
  return [
    {
      path: '.vscode/tasks.json',
      merge: (existing, { force }) => {
        const file = new Jsonc(
          existing === undefined || existing.trim() === '' ? '{\n  "version": "2.0.0"\n}\n' : existing,
        );
        if (file.find('version') === undefined) file.set(file.expect('object'), 'version', '2.0.0');
        const merge = (list: string, wanted: readonly Listed[], key: string): Entry[] => {
          if (wanted.length === 0) return [];
          if (file.find(list) === undefined) file.set(file.expect('object'), list, []);
          return mergeList(file, [list], wanted, { key, force });
        };
        const entries = [...merge('tasks', tasks, 'label'), ...merge('inputs', inputs, 'id')];
        return { text: file.text, entries };
      },
    },
  ];
}

const commandInput = {
  id: 'sidecarCommand',
  type: 'promptString',
  description: 'What to run on the sidecar',
};

function taskOf({ label, detail, args, kind }: EditorTask): Record<string, unknown> {
  return {
    label,
    detail,
    type: 'process',
    command: 'sidecar',
    args,
    ...(kind === 'test' && { group: 'test' }),
    ...(kind === 'background' && { isBackground: true, runOptions: { instanceLimit: 1 } }),
    problemMatcher: { ...problemMatcher, ...(kind === 'background' && { background }) },
  };
}

const problemMatcher = {
  owner: 'sidecar',
  source: 'sidecar',
  fileLocation: 'absolute',
  pattern: { regexp: problemPattern, file: 1, line: 2, column: 3, severity: 4, message: 5, code: 6 },
};

/** The lines of `sidecar watch` around each landing. What comes between the two is shown until the next one begins. */
export const background = {
  activeOnStart: true,
  beginsPattern: '^sidecar: landing',
  endsPattern: '^sidecar: (landed|not landed)',
};
