import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

const root = path.join(import.meta.dirname, '..');

/**
 * Who may import whom. A part is a folder of `src/`, a file right in it, or the whole of `cmd/`. An entry that ends in
 * `.ts` allows that one file of a part and no other. Every part may import itself and what `everyone` lists.
 */
const everyone = ['src/errors.ts', 'src/events.ts', 'src/clock.ts', 'src/package.ts'];
const mayImport: Readonly<Record<string, readonly string[]>> = {
  'src/errors.ts': [],
  'src/events.ts': [],
  'src/clock.ts': [],
  'src/package.ts': [],
  'src/retry': [],
  'src/transport': [],
  'src/files': [],
  'src/git': [],
  // What a record or a setting says of hosts, keys and forwards is checked where it is kept.
  'src/sidecars': [
    'src/files',
    'src/transport/destination.ts',
    'src/transport/forward-spec.ts',
    'src/transport/public-key.ts',
    'src/transport/target.ts',
  ],
  // The control plane over HTTP, and the login there.
  'src/control': [
    'src/files',
    'src/retry',
    'src/sidecars',
    // It makes the key that it has the server let in.
    'src/transport/key-pair.ts',
    'src/transport/public-half.ts',
    // The keyring's process ends with this one, and gets no secrets by its environment.
    'src/transport/route/end-group.ts',
    'src/transport/route/program-environment.ts',
    // How anything that is no SSH server is reached, and whom to trust there.
    'src/transport/route/private-way.ts',
    'src/transport/route/proxy.ts',
    'src/transport/route/trust.ts',
    'src/transport/tls-codes.ts',
  ],
  'src/provider': ['src/control', 'src/files', 'src/retry', 'src/transport', 'src/sidecars'],
  'src/session': ['src/retry', 'src/transport', 'src/provider/locator.ts', 'src/sidecars/record.ts'],
  // Sync sees byte channels, never SSH.
  'src/sync': ['src/git', 'src/transport/transport.ts', 'src/transport/shell-word.ts', 'src/files'],
  // All that is asked of a workspace beside a landing.
  'src/workspace': ['src/git', 'src/sync', 'src/files'],
  // It tells when to land, and lands nothing itself.
  'src/watch': ['src/git'],
  // Both talk to a shell over there, in the same way.
  'src/run': [
    'src/transport/transport.ts',
    'src/transport/terminal.ts',
    'src/transport/shell-word.ts',
    'src/sync/remote-script.ts',
    'src/sync/conversation.ts',
    'src/sync/answers.ts',
    'src/sync/hello.ts',
    'src/sync/limits.ts',
    'src/sync/over-session.ts',
    'src/sync/request.ts',
  ],
  'src/forward': [
    'src/transport/transport.ts',
    'src/transport/forward-spec.ts',
    'src/session/open.ts',
    'src/session/way.ts',
    'src/retry/policy.ts',
  ],
  // What is kept from one landing to the next, whatever part it is of.
  'src/warmth.ts': ['src/session', 'src/sidecars', 'src/sync', 'src/git', 'src/transport'],
  // Texts of files in, texts of files out.
  'src/editors': [],
  'src/client-options.ts': ['src'],
  // Each puts parts together that know nothing of each other.
  'src/landed-run.ts': ['src/run', 'src/session', 'src/sync'],
  'src/watching.ts': ['src/client-options.ts', 'src/git', 'src/run', 'src/session', 'src/sync', 'src/watch'],
  'src/client-sessions.ts': [
    'src/client-options.ts',
    'src/warmth.ts',
    'src/provider',
    'src/retry',
    'src/session',
    'src/sidecars',
  ],
  'src/client.ts': ['src'],
  'src/landing.ts': ['src/client.ts', 'src/client-options.ts', 'src/git', 'src/sidecars'],
  // It does what a client would do itself.
  'src/daemon': [
    'src/client.ts',
    'src/landing.ts',
    'src/warmth.ts',
    'src/session',
    'src/sync',
    'src/sidecars',
    'src/transport',
    'src/files',
  ],
  // It looks at every part that can be out of order.
  'src/doctor': [
    'src/control',
    'src/daemon',
    'src/files',
    'src/git',
    'src/landing.ts',
    'src/provider',
    'src/retry/within.ts',
    'src/sidecars',
    'src/sync',
    'src/transport',
  ],
  'src/index.ts': ['src'],
  cmd: ['src'],
};

interface Import {
  readonly from: string;
  readonly to: string;
}

/** Every import between our own files, of types and lazy ones too, as paths from the root of the package. */
const imports: readonly Import[] = ['src', 'cmd'].flatMap(sourceFiles).flatMap(importsOf);

describe('imports', () => {
  it('go only where the table allows', () => {
    expect(imports.filter((each) => !isAllowed(each)).map(({ from, to }) => `${from} -> ${to}`)).toEqual([]);
  });

  it('name only parts that the table knows', () => {
    const parts = new Set(['src', 'cmd'].flatMap(sourceFiles).map(partOf));
    expect([...parts].filter((part) => mayImport[part] === undefined)).toEqual([]);
  });

  it('of the command line go to modules, not through the barrel', () => {
    expect(imports.filter(({ from, to }) => from.startsWith('cmd/') && to === 'src/index.ts')).toEqual([]);
  });

  it('make no circle between parts', () => {
    const graph = new Map<string, Set<string>>();
    for (const { from, to } of imports) {
      // The floor is shared: errors, events and the clock hold types that name each other.
      if (everyone.includes(to)) continue;
      graph.set(partOf(from), (graph.get(partOf(from)) ?? new Set()).add(partOf(to)));
    }
    expect([...graph.keys()].flatMap((part) => circleFrom(part, graph))).toEqual([]);
  });
});

function sourceFiles(directory: string): string[] {
  return readdirSync(path.join(root, directory), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => path.posix.join(directory, file.replaceAll(path.sep, '/')));
}

function importsOf(file: string): Import[] {
  const { importedFiles } = ts.preProcessFile(readFileSync(path.join(root, file), 'utf8'), true, true);
  return importedFiles
    .map(({ fileName }) => fileName)
    .filter((specifier) => specifier.startsWith('.'))
    .map((specifier) => ({
      from: file,
      to: path.posix.join(path.posix.dirname(file), specifier).replace(/\.js$/, '.ts'),
    }));
}

function partOf(file: string): string {
  const [top = '', second = ''] = file.split('/');
  return top === 'cmd' ? top : `${top}/${second}`;
}

function isAllowed({ from, to }: Import): boolean {
  const allowed = [partOf(from), ...everyone, ...(mayImport[partOf(from)] ?? [])];
  return allowed.some((place) => to === place || to.startsWith(`${place}/`));
}

/** A way from `start` back to itself through other parts, as one line; nothing when there is none. */
function circleFrom(start: string, graph: ReadonlyMap<string, ReadonlySet<string>>): string[] {
  const walk = (part: string, way: readonly string[]): string[] => {
    for (const next of graph.get(part) ?? []) {
      if (next === part) continue;
      if (next === start) return [[...way, part, next].join(' -> ')];
      if (way.includes(next)) continue;
      const found = walk(next, [...way, part]);
      if (found.length > 0) return found;
    }
    return [];
  };
  return walk(start, []);
}
