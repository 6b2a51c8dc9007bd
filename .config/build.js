// `npm run build`: the program and the library in as few files as load fast. What a command does not need stays in a
// chunk of its own, which it never reads.
import { build } from 'esbuild';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const root = path.join(import.meta.dirname, '..');
const dist = path.join(root, 'dist');
rmSync(dist, { recursive: true, force: true });

const { metafile } = await build({
  absWorkingDir: root,
  entryPoints: ['cmd/sidecar.ts', 'cmd/local-server.ts', 'cmd/daemon-server.ts', 'src/index.ts'],
  outdir: dist,
  outbase: '.',
  chunkNames: 'chunks/[name]-[hash]',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  // They find their native parts by their own path.
  external: ['ssh2', '@parcel/watcher'],
  // The libraries that are CommonJS ask for what Node brings.
  banner: {
    js: `import { createRequire as requireOf } from 'node:module';\nconst require = requireOf(import.meta.url);`,
  },
  metafile: true,
  logLevel: 'warning',
});

execFileSync(path.join(root, 'node_modules/.bin/tsc'), ['-p', '.config/tsconfig.build.json'], {
  cwd: root,
  stdio: 'inherit',
});
writeFileSync(path.join(dist, 'settings.schema.json'), await settingsSchema());
writeFileSync(path.join(dist, 'LICENSES-OF-LIBRARIES.txt'), licenses(Object.keys(metafile.inputs)));

/** What `schema.ts` prints. Its converter is needed only here. */
async function settingsSchema() {
  const program = path.join(dist, 'schema.js');
  const entryPoints = [path.join(root, '.config/schema.ts')];
  await build({ entryPoints, outfile: program, bundle: true, format: 'esm', platform: 'node' });
  const printed = execFileSync(process.execPath, [program], { encoding: 'utf8' });
  rmSync(program);
  return printed;
}

/** The libraries that became part of the program go with the terms they came under. */
function licenses(inputs) {
  const packages = inputs.flatMap((input) => /.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input)?.[0] ?? []);
  return [...new Set(packages)].sort().map(license).join('\n');
}

function license(directory) {
  const { name, version, license } = JSON.parse(readFileSync(path.join(root, directory, 'package.json'), 'utf8'));
  const file = readdirSync(path.join(root, directory)).find((each) => /^licen[cs]e/i.test(each));
  if (file === undefined) throw new Error(`${name} comes without its license`);
  return `${name} ${version} (${license})\n\n${readFileSync(path.join(root, directory, file), 'utf8').trim()}\n`;
}
