import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe } from 'vitest';
import { scratch, type Scratch } from '../fakes/git-repo.js';
import { memoryTransport, shell } from '../fakes/memory-transport.js';
import { describeWith, findPart } from '../fakes/parts.js';
import type { FarRuns } from './contract.js';
import { detachedContract } from './detached-contract.js';
import { executionContract } from './execution-contract.js';

let home: Scratch;
beforeEach(() => {
  home = scratch();
});
afterEach(() => home.remove());

/** Commands by this login shell, whose start files print. */
function loginShell(program: string, env: NodeJS.ProcessEnv = {}): void {
  const open = (): Promise<FarRuns> => {
    const noise = 'echo "welcome to your sidecar"\necho "you have mail" >&2\n';
    writeFileSync(path.join(home.path, '.bashrc'), noise);
    // It takes `>&2` for a file of that name.
    writeFileSync(path.join(home.path, '.tcshrc'), noise.replace(/.*>&2/, "sh -c 'echo you have mail >&2'"));
    mkdirSync(path.join(home.path, '.config/fish'), { recursive: true });
    writeFileSync(path.join(home.path, '.config/fish/config.fish'), noise + 'printf "no newline at the end"\n');
    const its = {
      ...process.env,
      HOME: home.path,
      XDG_STATE_HOME: '',
      BASH_ENV: path.join(home.path, '.bashrc'),
      ...env,
    };
    const transport = memoryTransport(shell({ program, env: { ...its, SHELL: '/bin/sh' } }));
    return Promise.resolve({ transport, cut: () => transport.cut() });
  };
  describe('with input', () => executionContract(open));
  describe('without a connection', () => detachedContract({ open, home: () => home.path }));
}

for (const program of ['bash', 'fish', 'tcsh']) {
  describeWith([program], `a command for a login shell that is ${program}`, () => loginShell(program));
}

describeWith(['busybox'], 'a command where sh and its tools are busybox', () => {
  const bin = scratch();
  const tools = ['sh', 'cat', 'date', 'dd', 'echo', 'false', 'find', 'head', 'kill', 'ln', 'ls', 'mkdir', 'mv'];
  tools.push('printf', 'ps', 'readlink', 'rm', 'setsid', 'sleep');
  for (const tool of [...tools, 'stty', 'tail', 'true', 'wc']) {
    symlinkSync(findPart('busybox') ?? 'busybox', path.join(bin.path, tool));
  }
  describe('that come first on PATH', () => loginShell('/bin/sh', { PATH: `${bin.path}:/usr/bin` }));
});

describeWith(['bash'], 'a command where sh is bash and there is no setsid', () => {
  const bin = scratch();
  const tools = ['cat', 'date', 'dd', 'find', 'ln', 'ls', 'mkdir', 'mv', 'printf', 'ps', 'readlink', 'rm', 'sleep'];
  for (const tool of tools) symlinkSync(findPart(tool) ?? tool, path.join(bin.path, tool));
  symlinkSync(findPart('bash') ?? 'bash', path.join(bin.path, 'sh'));
  detachedContract({
    home: () => home.path,
    open: () => {
      const env = { PATH: bin.path, HOME: home.path };
      const transport = memoryTransport(shell({ env }));
      return Promise.resolve({ transport, cut: () => transport.cut() });
    },
  });
});
