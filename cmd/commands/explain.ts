import { realpathSync } from 'node:fs';
import path from 'node:path';
import type { Context } from '../context.js';
import { openSidecars } from '../sidecars.js';
import { pathExplained } from '../ui/path-explained.js';
import { workingTreeHere } from '../working-tree.js';

export async function explainPath(context: Context, asked: string): Promise<void> {
  const sidecars = openSidecars(context);
  const tree = await workingTreeHere(context, sidecars);
  const target = path.resolve(realpathSync(context.directory), asked);
  const explained = await sidecars.explain(tree, target, context.signal);
  context.output.answer(explained, pathExplained(explained));
}
