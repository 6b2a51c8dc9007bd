import { SidecarError } from '../../src/errors.js';
import { gatedSettings } from '../../src/sidecars/gated-settings.js';
import { readProjectFile } from '../../src/sidecars/settings-files.js';
import { projectFileName } from '../../src/sidecars/settings-names.js';
import type { Context } from '../context.js';
import { openSidecars } from '../sidecars.js';
import { commandLine } from '../ui/command-line.js';
import type { Line } from '../ui/line.js';

export interface AllowFlags {
  readonly revoke?: boolean;
}

/** Has the project's file here run and open what it says, or no longer. */
export async function allow(context: Context, { revoke = false }: AllowFlags): Promise<void> {
  const { directory, output } = context;
  const project = await readProjectFile(directory);
  if (project === undefined) {
    const suggestion = 'settings of your own need no allowing';
    throw new SidecarError('usage.invalid', {
      reason: `there is no ${projectFileName} in ${directory} or above`,
      suggestion,
    });
  }
  const { path: file } = project;
  const allowed = await openSidecars(context).allowed();
  if (revoke) {
    const was = await allowed.remove(project);
    output.outcome({ file, allowed: false }, [
      was ? [tick, `no longer allowed: ${file}`] : [`${file} was not allowed`],
    ]);
    return;
  }
  const settings = gatedSettings(project);
  if (Object.keys(settings).length === 0) {
    output.outcome({ file, allowed: true, settings }, [[`nothing in ${file} needs to be allowed`]]);
    return;
  }
  await allowed.add(project);
  output.outcome({ file, allowed: true, settings }, [[tick, `allowed, until it changes: ${file}`], ...lines(settings)]);
}

const tick = { text: '✓ ', style: 'green' } as const;

function lines({ afterLanding, environment = {}, forwards = [] }: ReturnType<typeof gatedSettings>): Line[] {
  const command = typeof afterLanding === 'string' ? afterLanding : afterLanding && commandLine(afterLanding);
  return [
    ...(command === undefined ? [] : [`after each landing, over there: ${command}`]),
    ...Object.entries(environment).map(([name, value]) => `for what runs over there: ${name}=${value}`),
    ...forwards.map((each) =>
      typeof each === 'string'
        ? `\`sidecar forward\`: ${each}`
        : `\`sidecar forward\`: -R ${each.remote}, which opens this machine to it`,
    ),
  ].map((text) => [`  ${text}`]);
}
