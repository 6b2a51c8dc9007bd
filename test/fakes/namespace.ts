import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import ts from 'typescript';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));

/** Runs this project's own code in a network namespace of its own, where networks can be broken at will. */
export interface NetworkLab extends AsyncDisposable {
  /**
   * Tries to connect, after the shell commands of `setup`, with `hosts` for an /etc/hosts. Resolves with what came of
   * it: `{code, retryable, facts}` of the error.
   */
  connect(options: {
    readonly host: string;
    readonly port: number;
    readonly setup?: string;
    readonly hosts?: string;
  }): Promise<unknown>;
}

/** Namespaces are Linux's, and root's. */
export const canUseNamespaces = process.platform === 'linux' && process.getuid?.() === 0;

export async function networkLab(): Promise<NetworkLab> {
  const directory = await mkdtemp(join(tmpdir(), 'sidecar-namespace-'));
  await compile('src', directory);
  await symlink(join(root, 'node_modules'), join(directory, 'node_modules'));
  await writeFile(join(directory, 'package.json'), '{"type":"module"}');
  await writeFile(join(directory, 'attempt.js'), attemptScript);
  return {
    connect: async ({ host, port, setup = 'true', hosts }) => {
      const hostsFile = join(directory, 'hosts');
      await writeFile(hostsFile, hosts ?? '');
      const mount = hosts === undefined ? 'true' : `mount --bind ${hostsFile} /etc/hosts`;
      const script = `${mount} && ${setup} && exec "$0" ${join(directory, 'attempt.js')} ${host} ${port}`;
      const { stdout } = await run('unshare', ['--net', '--mount', 'sh', '-c', script, process.execPath]);
      return JSON.parse(stdout) as unknown;
    },
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  };
}

const attemptScript = `
import { connectSsh2 } from './src/transport/ssh2/connect.js';
const [host, port] = process.argv.slice(2);
const target = { alias: host, host, port: Number(port), user: 'dev', hostKeys: [], identityFiles: [], identitiesOnly: false, knownHostsFiles: [] };
const identities = { attempts: [{ description: 'never offered', fingerprint: '', agent: undefined }], lockedFiles: [], unsupported: [] };
const hostKeys = { preferredAlgorithms: undefined, verdict: () => { throw new Error('never asked'); } };
try {
  await connectSsh2({ target, hostKeys, identities, timeoutMs: 20_000 });
} catch ({ code, retryable, facts, cause }) {
  console.log(JSON.stringify({ code, retryable, facts, cause: { name: cause.constructor.name, message: cause.message } }));
}
`;

/** Node 20 reads no TypeScript, and a test must not depend on an earlier build. */
async function compile(folder: string, to: string): Promise<void> {
  const entries = await readdir(join(root, folder), { recursive: true });
  const sources = entries.filter((name) => name.endsWith('.ts')).map((name) => join(folder, name));
  await Promise.all(
    sources.map(async (name) => {
      const { outputText } = ts.transpileModule(await readFile(join(root, name), 'utf8'), {
        compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022, verbatimModuleSyntax: true },
      });
      const path = join(to, name.replace(/\.ts$/, '.js'));
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, outputText);
    }),
  );
}
