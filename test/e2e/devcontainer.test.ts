import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { BuiltProgram, packageRoot } from '../fakes/built-program.js';
import type { Said } from '../fakes/command-line.js';
import { describeWithDocker, Docker } from '../fakes/docker.js';
import { type Scratch, scratch } from '../fakes/git-repo.js';

const require = createRequire(import.meta.url);
const devcontainerCli = require.resolve('@devcontainers/cli/devcontainer.js');
const image = 'sidecar-test';

describeWithDocker('a dev container', () => {
  let place: Scratch;
  let docker: Docker;
  beforeAll(async () => {
    place = scratch('sidecar-docker-');
    docker = await Docker.start(place.path);
    docker.importImage(image);
  });
  afterAll(async () => {
    await docker[Symbol.asyncDispose]();
    place.remove();
  });

  let user: BuiltProgram;
  beforeEach(() => {
    user = new BuiltProgram();
    writeFileSync(path.join(user.directory('bin'), 'sidecar'), `#!/bin/sh\nexec ${user.command().join(' ')} "$@"\n`);
    chmodSync(path.join(user.directory('bin'), 'sidecar'), 0o755);
    user.project.write('file', 'one\n');
  });
  afterEach(async () => user[Symbol.asyncDispose]());

  const configFile = '.devcontainer/devcontainer.json';
  const config = (): string => readFileSync(path.join(user.project.root, configFile), 'utf8');

  /** Types a command of the dev containers' own program. */
  async function devcontainer(command: string, ...argv: string[]): Promise<Said> {
    const folder = ['--workspace-folder', user.project.root, '--user-data-folder', user.directory('devcontainers')];
    const PATH = `${user.directory('bin')}${path.delimiter}${user.env['PATH'] ?? ''}`;
    const env = { PATH, DOCKER_HOST: docker.host, DOCKER_BUILDKIT: '0' };
    return user.startProgram(process.execPath, [devcontainerCli, command, ...folder, ...argv], env).ended;
  }

  const up = (): Promise<Said> => devcontainer('up', '--buildkit', 'never', '--remove-existing-container');

  it('starts with what landed on the sidecar, and runs what it ran before', async () => {
    user.project.write(
      configFile,
      `{\n  // A container without a network.\n  "image": "${image}",\n  "runArgs": ["--network=none"],\n` +
        '  "initializeCommand": ["touch", "initialized"] // ours\n}\n',
    );
    expect((await user.type('init', 'devcontainer')).code).toBe(0);
    expect(config()).toContain('"project": ["touch", "initialized"],\n');
    await user.type('create', 'web');
    const said = await up();
    expect(said, said.stderr).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('"outcome":"success"') as string,
    });
    expect(existsSync(path.join(user.project.root, 'initialized'))).toBe(true);
    expect(said.stderr).toMatch(/✓ web:\S+: \d+ added .* proved/);
  });

  it('starts all the same where the sidecar cannot be reached, and where its settings are broken', async () => {
    user.project.write(configFile, `{ "image": "${image}", "runArgs": ["--network=none"] }`);
    await user.type('init', 'devcontainer');
    const edited = config().replace('20s', '1s');
    user.project.write(configFile, edited);
    await user.type('create', 'web', '--boot-delay', '600');
    const unreachable = await up();
    expect(unreachable.code, unreachable.stderr).toBe(0);
    expect(unreachable.stderr).toContain('nothing was synced: cannot reach web');
    user.project.write('.sidecar.json', '{');
    const broken = await up();
    user.project.write('.sidecar.json', '{}');
    expect(broken.code, broken.stderr).toBe(0);
    expect(broken.stderr).toContain('settings.invalid');
  });

  it('has the command inside, where the Feature brings Node.js and the package', async () => {
    user.project.write(
      configFile,
      `{\n  "image": "${image}",\n  "runArgs": ["--network=none"],\n  "postStartCommand": "echo started > /tmp/started",\n` +
        '  "features": {\n    "./features/sidecar": { "node": "./node.tar" }\n  }\n}\n',
    );
    expect((await user.type('init', 'devcontainer', '--feature')).code).toBe(0);
    const feature = path.join(user.project.root, '.devcontainer/features/sidecar');
    // What it is installed after is looked up in a registry, whether it is there or not.
    edit(path.join(feature, 'devcontainer-feature.json'), (manifest) => ({ ...manifest, installsAfter: [] }));
    packNode(path.join(feature, 'node.tar'));
    packWithDependencies(path.join(feature, 'sidecar.tgz'), user.directory('package'));
    const said = await up();
    expect(said.code, said.stderr).toBe(0);
    expect(said.stderr).toContain('nothing was synced: no sidecar is selected for this working tree');
    const version = (JSON.parse(readFileSync(path.join(packageRoot, 'package.json'), 'utf8')) as { version: string })
      .version;
    expect((await devcontainer('exec', 'sidecar', '--version')).stdout.trim()).toBe(version);
    expect((await devcontainer('exec', 'cat', '/tmp/started')).stdout.trim()).toBe('started');
  }, 300_000);
});

/** Node as its site has it: in a directory of its own, with npm. */
function packNode(file: string): void {
  const node = realpathSync(process.execPath);
  const npm = path.dirname(
    path.dirname(realpathSync(execFileSync('sh', ['-c', 'command -v npm'], { encoding: 'utf8' }).trim())),
  );
  const root = scratch();
  try {
    const at = (name: string): string => path.join(root.path, 'node', name);
    mkdirSync(at('bin'), { recursive: true });
    cpSync(node, at('bin/node'));
    cpSync(npm, at('lib/node_modules/npm'), { recursive: true });
    execFileSync('ln', ['-s', '../lib/node_modules/npm/bin/npm-cli.js', at('bin/npm')]);
    execFileSync('tar', ['-C', root.path, '-cf', file, 'node']);
  } finally {
    root.remove();
  }
}

/** The package with its dependencies in it, so that npm needs nothing else. */
function packWithDependencies(file: string, directory: string): void {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('npm_')));
  const npm = (...argv: string[]): string =>
    execFileSync('npm', argv, { cwd: packageRoot, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  const [{ filename }] = JSON.parse(npm('pack', '--json', '--ignore-scripts', '--pack-destination', directory)) as [
    { filename: string },
  ];
  execFileSync('tar', ['-xzf', path.join(directory, filename), '-C', directory]);
  const root = path.join(directory, 'package');
  const lock = JSON.parse(readFileSync(path.join(packageRoot, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { dev?: boolean }>;
  };
  const needed = Object.entries(lock.packages).filter(([name, { dev }]) => name !== '' && dev !== true);
  const there = needed.map(([name]) => name).filter((name) => existsSync(path.join(packageRoot, name)));
  for (const name of there) {
    cpSync(path.join(packageRoot, name), path.join(root, name), { recursive: true, dereference: true });
    edit(path.join(root, name, 'package.json'), (manifest) => {
      const optional = Object.entries(manifest.optionalDependencies ?? {});
      const kept = optional.filter(([each]) => there.includes(`node_modules/${each}`));
      return {
        ...manifest,
        optionalDependencies: Object.fromEntries(kept),
        devDependencies: {},
        scripts: {},
        gypfile: false,
      };
    });
  }
  edit(path.join(root, 'package.json'), (manifest) => ({
    ...manifest,
    scripts: {},
    devDependencies: {},
    bundleDependencies: true,
  }));
  execFileSync('tar', ['-C', directory, '-czf', file, 'package']);
}

interface Manifest {
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

function edit(file: string, change: (manifest: Manifest) => object): void {
  writeFileSync(file, JSON.stringify(change(JSON.parse(readFileSync(file, 'utf8')) as Manifest)));
}
