import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { EditorFile } from '../../src/editors/editor-file.js';
import type { InitedFile } from '../../src/editors/init.js';
import { packageRoot } from '../../src/package.js';
import type { Context } from '../context.js';
import { openSidecars } from '../sidecars.js';
import { exitCode } from '../ui/exit-codes.js';
import { initDocument, initLines, leftAloneLines, snippetLines } from '../ui/init-lines.js';
import { printPatch } from '../ui/patch.js';
import { workingTreeHere } from '../working-tree.js';

export type Editor = 'vscode' | 'zed' | 'nvim' | 'jetbrains' | 'devcontainer';

export interface InitFlags {
  readonly dryRun?: boolean;
  readonly force?: boolean;
  readonly feature?: boolean;
}

/** Writes the files of an editor into the root of the working tree. Gives 3 where something was left alone. */
export async function init(context: Context, editor: Editor, flags: InitFlags): Promise<number> {
  const { output } = context;
  const { force = false, dryRun = false } = flags;
  const { root } = await workingTreeHere(context, openSidecars(context));
  const { initEditor } = await import('../../src/editors/init.js');
  const done = await initEditor(root, await filesOf(context, editor, root, flags), { force, dryRun });
  for (const line of leftAloneLines(done)) output.warn(...line);
  const document = initDocument(done, dryRun);
  if (output.json) output.answer(document, []);
  else if (dryRun) await printPatch(output, patches(done));
  else {
    output.outcome(document, initLines(done));
    if (flags.feature === true)
      output.note(`the Feature installs ${featurePackage}, or what its option "package" names`);
    output.answer(document, snippetLines(done));
  }
  return document.leftAlone.length > 0 ? exitCode.refused : exitCode.done;
}

async function filesOf(
  { output }: Context,
  editor: Editor,
  root: string,
  { feature = false }: InitFlags,
): Promise<EditorFile[]> {
  const { readInTree } = await import('../../src/editors/place.js');
  if (editor === 'devcontainer') {
    const { devcontainerFiles } = await import('../../src/editors/devcontainer.js');
    const isThere = async (name: string): Promise<boolean> => (await readInTree(root, name)) !== undefined;
    const isFlat = (await isThere('.devcontainer.json')) && !(await isThere('.devcontainer/devcontainer.json'));
    return devcontainerFiles({ isFlat, feature: feature ? await readFeature() : undefined });
  }
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

/** The Feature as it comes with this package. */
async function readFeature(): Promise<Record<string, string>> {
  const names = ['devcontainer-feature.json', 'install.sh'];
  const directory = path.join(packageRoot, '.devcontainer/features/sidecar');
  const texts = names.map(async (name) => [name, await readFile(path.join(directory, name), 'utf8')] as const);
  return Object.fromEntries(await Promise.all(texts));
}

const featurePackage = '.devcontainer/features/sidecar/sidecar.tgz';

async function* patches(files: readonly InitedFile[]): AsyncGenerator<Buffer> {
  const { patchOf } = await import('../../src/editors/patch.js');
  for (const { path: name, before, text } of files) yield Buffer.from(patchOf(name, before, text));
}
