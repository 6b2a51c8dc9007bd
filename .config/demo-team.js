// `npm run demo:team`: what a member of a team does, from the login to a command on a sidecar, with a control plane that
// runs in this process: the reference server, and a real OpenID provider in front of it. Every line after a `$` is the real
// command, and what follows is what it prints. It leaves nothing behind.
import { build } from 'esbuild';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath, pathToFileURL } from 'node:url';

const tree = fileURLToPath(new URL('..', import.meta.url));
const program = path.join(tree, 'dist/cmd/sidecar.js');
const home = mkdtempSync(path.join(tmpdir(), 'sidecar-demo-'));
const settings = Object.keys(process.env).filter((name) => name.startsWith('SIDECAR_'));
const env = {
  ...process.env,
  ...Object.fromEntries(settings.map((name) => [name, undefined])),
  SIDECAR_HOME: path.join(home, 'user'),
  // Not into the keyring of whoever looks at a demo.
  SIDECAR_TOKEN_STORAGE: 'file',
};

/** Runs one command as a user would type it. `onError` hears what it prints on stderr. */
async function sidecar(args, { onError = () => undefined } = {}) {
  console.log(`\n$ sidecar ${args.map((word) => (/^[\w./:@=-]+$/.test(word) ? word : `'${word}'`)).join(' ')}`);
  const child = spawn(process.execPath, [program, ...args], { cwd: tree, env, stdio: ['ignore', 'inherit', 'pipe'] });
  child.stderr.on('data', (chunk) => {
    process.stderr.write(chunk);
    onError(chunk.toString());
  });
  const [code] = await Promise.all([new Promise((resolve) => child.once('exit', resolve)), text(child.stderr)]);
  if (code !== 0) throw new Error(`sidecar ${args[0]} ended with ${code}`);
}

/** The server is written for the tests, in TypeScript. */
async function startTeamServer(options) {
  const outfile = path.join(tree, 'node_modules/.cache/sidecar-demo/team-server.mjs');
  await build({
    ...{ entryPoints: [path.join(tree, 'test/reference-server/team-server.ts')], outfile, logLevel: 'warning' },
    ...{ bundle: true, packages: 'external', format: 'esm', platform: 'node', target: 'node20' },
    // To src/package.ts, which alone asks, it is as if it stood in src/ still.
    define: { 'import.meta.dirname': JSON.stringify(path.join(tree, 'src')) },
  });
  const team = await import(pathToFileURL(outfile).href);
  return team.startTeamServer(options);
}

// The OpenID provider tells its developers of everything that they have not set.
console.info = console.warn = () => undefined;
const server = await startTeamServer({ stateDir: path.join(home, 'service') });
let made = false;
try {
  env.SIDECAR_SERVER = server.url;
  console.log(`A control plane for a team runs at ${server.url}. It is yours: nothing leaves this machine.`);
  const approved = server.login.nextPage().then(async (page) => {
    await server.login.approve(page);
    console.log('(meanwhile, in a browser: the code is confirmed)');
  });
  await sidecar(['login', '--no-browser']);
  await approved;
  await sidecar(['whoami']);
  made = true;
  await sidecar(['create', 'team-demo', '--provider', 'api']);
  await sidecar(['sync']);
  await sidecar([
    'run',
    '--',
    'sh',
    '-c',
    'echo "$(find . -type f | wc -l) files stand here; the first one is:"; ls | head -1',
  ]);
  await server.service.account('ada').standby('team-demo');
  console.log('\nNobody used it for a while: the service has put it into standby. The next sync wakes it.');
  await sidecar(['sync']);
} finally {
  if (made) await sidecar(['delete', 'team-demo']);
  await sidecar(['logout']);
  await sidecar(['daemon', 'stop']);
  await server[Symbol.asyncDispose]();
  rmSync(home, { recursive: true, force: true });
}
