// `npm run build`: the program and the library as CommonJS, each in one file, which Node starts in less time than it takes
// to load and link ES modules. What a command does not need of it is never run.
import { build } from 'esbuild';
import { execFileSync } from 'node:child_process';
import { copyFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const root = path.join(import.meta.dirname, '..');
const dist = path.join(root, 'dist');
rmSync(dist, { recursive: true, force: true });

const options = {
  absWorkingDir: root,
  bundle: true,
  format: 'cjs',
  platform: 'node',
  target: 'node20',
  // `import()` becomes `require()` in its time.
  supported: { 'dynamic-import': false },
  // Half of the bytes are white space. Names stay, for the stacks of `--verbose`.
  minifyWhitespace: true,
  minifySyntax: true,
  metafile: true,
  logLevel: 'warning',
};

// They are imported late, if at all, and so lie in files of their own: what is in a file is read with it.
const late = {
  atomically: 'atomically',
  // Its main file finds its parts in a way that no bundler follows.
  'jsonc-parser': 'jsonc-parser/lib/esm/main.js',
  open: 'open',
  'openid-client': 'openid-client',
  'proper-lockfile': 'proper-lockfile',
  'simple-git': 'simple-git',
  uqr: 'uqr',
};
const libraries = await build({
  ...options,
  entryPoints: late,
  outdir: path.join(dist, 'libraries'),
  // `open` looks for a script beside it, and does without.
  define: { 'import.meta.url': 'undefined' },
  // As `import` sees it, the default of a CommonJS module is all of it.
  footer: { js: 'if(module.exports.default)module.exports=Object.assign(module.exports.default,module.exports);' },
});
const program = await build({
  ...options,
  // process.js stays out of sidecar.js, which must be there before it: see cmd/compile-cache.ts.
  entryPoints: [
    ...['cmd/sidecar.ts', 'cmd/process.ts', 'src/index.ts'],
    ...['cmd/local-server.ts', 'cmd/daemon-server.ts', 'cmd/keyring-server.ts'],
  ],
  outdir: dist,
  outbase: '.',
  alias: Object.fromEntries(Object.keys(late).map((name) => [name, `../libraries/${name}.js`])),
  // ssh2, the watcher and the keyring find their native parts by their own path.
  external: ['./process.js', '../libraries/*', 'ssh2', '@parcel/watcher', '@napi-rs/keyring'],
  plugins: [lateChildProcess()],
  // To src/package.ts, which alone asks, it is as if it stood in src/ still.
  define: { 'import.meta.dirname': 'sourceDirectory' },
  banner: { js: `const sourceDirectory = require('node:path').join(__dirname, '../../src');` },
});
writeFileSync(path.join(dist, 'package.json'), '{ "type": "commonjs" }\n');

execFileSync(path.join(root, 'node_modules/.bin/tsc'), ['-p', '.config/tsconfig.build.json'], {
  cwd: root,
  stdio: 'inherit',
});
for (const [name, schema] of Object.entries(await schemas())) {
  writeFileSync(path.join(dist, name), `${JSON.stringify(schema, null, 2)}\n`);
}
copyFileSync(path.join(root, 'src/control/openapi.json'), path.join(dist, 'control-plane.openapi.json'));
writeFileSync(
  path.join(dist, 'LICENSES-OF-LIBRARIES.txt'),
  licenses(Object.keys({ ...program.metafile.inputs, ...libraries.metafile.inputs })),
);

/** commander needs it only for commands that are programs of their own. We have none, and it takes a while to load. */
function lateChildProcess() {
  const contents = "exports.spawn = (...args) => require('node:child_process').spawn(...args)";
  return {
    name: 'late child_process',
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^node:child_process$/ }, ({ importer, path }) =>
        importer.includes('/node_modules/commander/') ? { path, namespace: 'late' } : undefined,
      );
      onLoad({ filter: /./, namespace: 'late' }, () => ({ contents }));
    },
  };
}

/** What `schema.ts` prints. Its converter is needed only here. */
async function schemas() {
  const program = path.join(dist, 'schema.js');
  const entryPoints = [path.join(root, '.config/schema.ts')];
  await build({ entryPoints, outfile: program, bundle: true, format: 'cjs', platform: 'node' });
  const printed = execFileSync(process.execPath, [program], { encoding: 'utf8' });
  rmSync(program);
  return JSON.parse(printed);
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
