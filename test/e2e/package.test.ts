import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../fakes/built-program.js';
import { type Scratch, scratch } from '../fakes/git-repo.js';

interface Packed {
  readonly filename: string;
  readonly files: readonly { readonly path: string; readonly mode: number }[];
}

let place: Scratch;
let packed: Packed;
beforeAll(() => {
  place = scratch();
  const argv = ['pack', '--json', '--ignore-scripts', '--pack-destination', place.path];
  // npm takes every `npm_…` variable of the `npm test` around it for a setting of its own.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('npm_')));
  const answer = execFileSync('npm', argv, {
    cwd: packageRoot,
    env,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  [packed] = JSON.parse(answer) as [Packed];
});
afterAll(() => {
  place.remove();
});

describe('the package', () => {
  it('holds the build, the words about it, and nothing else', () => {
    const names = packed.files.map((file) => file.path);
    const parts =
      /^dist\/(cmd|libraries)\/[\w-]+\.js$|^dist\/src\/([\w/-]+\.d\.ts|index\.js)$|^src\/sync\/remote\/[\w/-]+\.sh$/;
    expect(names.filter((name) => !parts.test(name)).sort()).toEqual([
      '.devcontainer/features/sidecar/devcontainer-feature.json',
      '.devcontainer/features/sidecar/install.sh',
      'CHANGELOG.md',
      'LICENSE',
      'README.md',
      'dist/LICENSES-OF-LIBRARIES.txt',
      'dist/control-plane.openapi.json',
      'dist/package.json',
      'dist/provider.schema.json',
      'dist/settings.schema.json',
      'package.json',
      'src/provider/exec/examples/sidecar-provider-containers',
      'src/provider/exec/examples/sidecar-provider-kubectl',
      'src/transport/openssh/askpass',
    ]);
    const programs = packed.files.filter((file) => /^src\/(provider\/exec\/examples|transport)\//.test(file.path));
    for (const { mode } of programs) expect(mode & 0o111).toBe(0o111);
    expect(names).toEqual(
      expect.arrayContaining([
        'dist/cmd/local-server.js',
        'src/sync/remote/9-land.sh',
        'src/sync/remote/sync/listen.sh',
      ]),
    );
  });

  it('names the terms of every library that became part of it', () => {
    const licenses = readFileSync(path.join(packageRoot, 'dist/LICENSES-OF-LIBRARIES.txt'), 'utf8');
    for (const name of ['commander', 'simple-git', 'exponential-backoff', 'valibot']) {
      expect(licenses).toMatch(new RegExp(`^${name} [0-9.]+ \\(MIT|Apache`, 'm'));
    }
  });

  it('describes every key of the settings files to editors, and allows no other', () => {
    const schema = JSON.parse(readFileSync(path.join(packageRoot, 'dist/settings.schema.json'), 'utf8')) as {
      properties: Record<string, { description: string }>;
    };
    expect(schema).toMatchObject({
      $schema: 'http://json-schema.org/draft-07/schema#',
      type: 'object',
      additionalProperties: false,
      properties: {
        sidecar: { type: 'string', pattern: expect.stringContaining('[a-z0-9]') as string },
        drift: { enum: ['save', 'refuse'] },
        connectTimeout: { anyOf: [{ type: 'string' }, { type: 'number', exclusiveMinimum: 0 }] },
      },
    });
    expect(Object.keys(schema.properties)).toEqual([
      ...['$schema', 'sidecar', 'workdir', 'drift', 'connectTimeout', 'ignore', 'include'],
      ...['forwards', 'environment', 'afterLanding', 'providers', 'server'],
    ]);
    for (const { description } of Object.values(schema.properties)) expect(description).toMatch(/\w\.$/);
  });

  it('runs where it is installed, as a command and as a library with types', () => {
    const modules = path.join(place.path, 'elsewhere/node_modules');
    mkdirSync(path.join(modules, '.bin'), { recursive: true });
    execFileSync('tar', ['-xzf', path.join(place.path, packed.filename), '-C', modules]);
    const installed = path.join(modules, 'sidecar');
    execFileSync('mv', [path.join(modules, 'package'), installed]);
    // Stands in for the download of its dependencies, and for the link that npm makes.
    symlinkSync(path.join(packageRoot, 'node_modules'), path.join(installed, 'node_modules'));
    symlinkSync('../sidecar/dist/cmd/sidecar.js', path.join(modules, '.bin/sidecar'));

    const manifest = JSON.parse(readFileSync(path.join(installed, 'package.json'), 'utf8')) as { version: string };
    const version = execFileSync(path.join(modules, '.bin/sidecar'), ['--version'], { encoding: 'utf8' });
    expect(version).toBe(`${manifest.version}\n`);

    const program = "import { sync, SidecarError } from 'sidecar'; console.log(typeof sync, typeof SidecarError)";
    const options = { cwd: path.dirname(modules), encoding: 'utf8' } as const;
    expect(execFileSync(process.execPath, ['--input-type=module', '-e', program], options)).toBe('function function\n');
    expect(readFileSync(path.join(installed, 'dist/src/index.d.ts'), 'utf8')).toContain('sync');
  });
});
