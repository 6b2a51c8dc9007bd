/** What an editor is to offer of this program. */
export interface EditorTask {
  readonly label: string;
  readonly detail: string;
  /** What follows `sidecar`. */
  readonly args: readonly string[];
  readonly kind: 'once' | 'background' | 'test';
}

export const syncTask: EditorTask = {
  label: 'sidecar: sync',
  detail: 'Land the working tree in the workspace on the sidecar',
  args: ['sync'],
  kind: 'once',
};

export const watchTask: EditorTask = {
  label: 'sidecar: watch',
  detail: 'Land every change as it happens',
  args: ['watch'],
  kind: 'background',
};

/** `command` is one word for each, or one for a line of shell that the editor asks for. */
export function testTask(command: readonly string[]): EditorTask {
  return {
    label: 'sidecar: run tests',
    detail: 'Land the working tree, and run the tests on it',
    args: ['run', '--', ...command],
    kind: 'test',
  };
}

/** The tasks of an editor that cannot ask for a command: without a known one, there is none to run. */
export function tasksFor(testCommand: readonly string[] | undefined): readonly EditorTask[] {
  return [syncTask, watchTask, ...(testCommand === undefined ? [] : [testTask(testCommand)])];
}
