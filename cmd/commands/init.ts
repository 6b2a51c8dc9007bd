import type { EditorFile } from '../../src/editors/editor-file.js';
import type { InitedFile } from '../../src/editors/init.js';
import type { Context } from '../context.js';
import { openSidecars } from '../sidecars.js';
import { exitCode } from '../ui/exit-codes.js';
import { initDocument, initLines, leftAloneLines, snippetLines } from '../ui/init-lines.js';
import { printPatch } from '../ui/patch.js';
import { workingTreeHere } from '../working-tree.js';

export type Editor = 'vscode' | 'zed' | 'nvim' | 'jetbrains';

export interface InitFlags {
  readonly dryRun?: boolean;
  readonly force?: boolean;
}

/** Writes the files of an editor into the root of the working tree. Gives 3 where something was left alone. */
export async function init(context: Context, editor: Editor, flags: InitFlags): Promise<number> {
  const { output } = context;
  const { force = false, dryRun = false } = flags;
  const { root } = await workingTreeHere(context, openSidecars(context));
  const { initEditor } = await import('../../src/editors/init.js');
  const done = await initEditor(root, await filesOf(context, editor, root), { force, dryRun });
  for (const line of leftAloneLines(done)) output.warn(...line);
  const document = initDocument(done, dryRun);
  if (output.json) output.answer(document, []);
  else if (dryRun) await printPatch(output, patches(done));
  else {
    output.outcome(document, initLines(done));
    output.answer(document, snippetLines(done));
  }
  return document.leftAlone.length > 0 ? exitCode.refused : exitCode.done;
}

async function filesOf({ output }: Context, editor: Editor, root: string): Promise<EditorFile[]> {
  const { readInTree } = await import('../../src/editors/place.js');
  const { testCommand } = await import('../../src/editors/test-command.js');
  // What it is read for is a suggestion: one that cannot be read suggests nothing.
  const options = { testCommand: await testCommand((name) => readInTree(root, name).catch(() => undefined)) };
  if (options.testCommand === undefined && (editor === 'zed' || editor === 'jetbrains')) {
    output.note('nothing here says how the tests are run, so there is no task for them');
  }
  switch (editor) {
    case 'vscode':
      return (await import('../../src/editors/vscode.js')).vscodeFiles(options);
    case 'zed':
      return (await import('../../src/editors/zed.js')).zedFiles(options);
    case 'nvim':
      return (await import('../../src/editors/nvim.js')).nvimFiles(options);
    case 'jetbrains':
      return (await import('../../src/editors/jetbrains.js')).jetbrainsFiles(options);
  }
}

async function* patches(files: readonly InitedFile[]): AsyncGenerator<Buffer> {
  const { patchOf } = await import('../../src/editors/patch.js');
  for (const { path: name, before, text } of files) yield Buffer.from(patchOf(name, before, text));
}
