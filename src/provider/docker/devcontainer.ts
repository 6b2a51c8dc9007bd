import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { SidecarError } from '../../errors.js';
import { programEnvironment } from '../../transport/route/program-environment.js';
import { removedAfter } from '../maybe-applied.js';
import type { CreateOptions, MachineSpec } from '../provider.js';
import { checkLogin, ours, type EngineDeps, type Finishing } from './create.js';
import { devContainerUp, type UpContainer } from './devcontainer-cli.js';
import { findDevContainer, laterCommands, withOwnWorkspace, type Project } from './devcontainer-config.js';
import { engineEnvironment } from './engine/address.js';
import type { Container } from './engine/answers.js';
import { refusedStatus } from './engine/engine.js';
import { scriptFailure } from './exec-failure.js';
import { containerName, identityLabels } from './labels.js';
import { dockerOptions } from './options.js';
import { makeWorkspace } from './scripts.js';
import { loginName, sshServerFiles } from './ssh-server.js';

export interface DevContainerDeps extends EngineDeps {
  readonly env: NodeJS.ProcessEnv;
  readonly project: Project;
}

/**
 * Has the dev containers' own program make a container by the configuration of a working tree, with a workspace of its
 * own, and gives it an SSH server. What the program made and cannot be used is removed.
 */
export async function createDevContainer(
  spec: MachineSpec,
  { engine, address, env, project }: DevContainerDeps,
  options: CreateOptions,
): Promise<{ readonly container: Container; readonly workdir: string }> {
  const { progress, signal } = options;
  const config = await findDevContainer(checkedOption(spec), project);
  await ours(spec, engine, { signal }); // throws for another of that name
  const later = laterCommands(config);
  if (later.length > 0) progress?.(`not run, for its files are not there yet: ${later.join(', ')} of ${config.file}`);

  const place = await mkdtemp(path.join(tmpdir(), 'sidecar-devcontainer-'));
  let up: UpContainer;
  try {
    const override = path.join(place, 'devcontainer.json');
    await writeFile(override, JSON.stringify(withOwnWorkspace(config)), { mode: 0o600 });
    const labels = Object.entries(identityLabels(spec)).flatMap(([name, value]) => ['--id-label', `${name}=${value}`]);
    const files = ['--workspace-folder', config.folder, '--config', config.file, '--override-config', override];
    const surroundings = { env: { ...programEnvironment(env), ...engineEnvironment(address) }, cwd: config.folder };
    up = await devContainerUp([...files, ...labels, '--skip-post-create'], surroundings, options);
  } finally {
    await rm(place, { recursive: true, force: true });
  }

  try {
    await nameIt(up.id, spec, { engine, signal });
    const container = await engine.container(up.id, { signal });
    if (container === undefined) throw new SidecarError('provider.gone', { name: spec.name });
    await engine.putFiles(up.id, sshServerFiles(spec, container.Config.Env ?? []), { signal });
    await engine.putFiles(up.id, loginName(await checkLogin(up.id, up.user, { engine, signal })), { signal });
    const argv = ['/bin/sh', '-c', makeWorkspace, 'sidecar', up.workspace, up.user];
    const made = await engine.run(up.id, { argv, user: '0' }, { signal });
    if (made.exitCode !== 0) throw scriptFailure(made);
    return { container, workdir: up.workspace };
  } catch (error) {
    if (signal?.aborted === true) throw error;
    throw await removedAfter(error, () => engine.remove(up.id));
  }
}

function checkedOption({ image, options }: MachineSpec): string | true {
  const { devcontainer, ...rest } = options;
  const others = Object.keys(rest);
  if (others.length > 0 || image !== undefined) {
    const reason = `a dev container is made by its configuration: ${[...others, ...(image === undefined ? [] : ['image'])].join(', ')} belongs in there`;
    throw new SidecarError('usage.invalid', {
      reason,
      suggestion: 'see runArgs, mounts, containerEnv and image in devcontainer.json',
    });
  }
  const { devcontainer: checked } = dockerOptions({ devcontainer: devcontainer ?? true });
  return checked === false ? true : checked;
}

/** The name is what keeps two of one name apart. */
async function nameIt(id: string, spec: MachineSpec, { engine, signal }: Finishing): Promise<void> {
  const name = containerName(spec.name);
  if ((await engine.container(id, { signal }))?.Name.replace(/^\//, '') === name) return;
  try {
    await engine.rename(id, name, { signal });
  } catch (error) {
    const status = refusedStatus(error);
    if (status === 409 || status === 500) await ours(spec, engine, { signal }); // throws where another has it
    throw error;
  }
}
