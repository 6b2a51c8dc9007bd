#!/usr/bin/env node

// An old Node must get as far as the words below: what the program is made of is loaded after them.
const nodeMajor = Number(process.versions.node.split('.')[0]);
if (nodeMajor < 20) {
  process.stderr.write(`sidecar: needs Node.js 20 or newer, and this is ${process.versions.node}\n`);
  process.exit(1);
}

// Scripts ask for it at every turn, and it needs nothing else.
if (process.argv.length === 3 && process.argv[2] === '--version') void printVersion();
// A shell asks for what may come next at every press of a key.
else if (process.argv[2] === '__complete') void printCompletions();
else void start();

async function printVersion(): Promise<void> {
  const { packageVersion } = await import('./version.js');
  process.stdout.write(`${packageVersion()}\n`, () => process.exit());
}

async function printCompletions(): Promise<void> {
  const [{ homedir }, { completions }] = await Promise.all([import('node:os'), import('./complete.js')]);
  const { env, platform, argv } = process;
  process.stdout.write(completions(argv[3], { env, platform, homeDir: homedir() }), () => process.exit());
}

async function start(): Promise<void> {
  const [{ homedir }, { keepCompiledCode }, { stateHome }] = await Promise.all([
    import('node:os'),
    import('./compile-cache.js'),
    import('../src/sidecars/home.js'),
  ]);
  const homeDir = homeOr(homedir, '/');
  keepCompiledCode(stateHome({ env: process.env, platform: process.platform, homeDir }).stateDir);
  await (await import('./process.js')).run(homeDir);
}

/** A container may run as a user whom no file knows. Where nothing can be written either, a command says so. */
function homeOr(homedir: () => string, otherwise: string): string {
  try {
    return homedir();
  } catch {
    return otherwise;
  }
}
