/** What stands in a file of the working tree's root; undefined where there is none to be read. */
export type ReadText = (name: string) => Promise<string | undefined>;

/** The command that runs the tests of a project, by the files that say what it is built with; undefined where none does. */
export async function testCommand(read: ReadText): Promise<readonly string[] | undefined> {
  const packageJson = await read('package.json');
  if (packageJson !== undefined && hasTestScript(packageJson)) return [await packageManager(read), 'test'];
  for (const [file, marks, command] of builds) {
    const text = await read(file);
    if (text !== undefined && marks.test(text)) return command;
  }
  return undefined;
}

const builds: readonly (readonly [file: string, marks: RegExp, command: readonly string[]])[] = [
  ['Makefile', /^test[ \t]*:(?!=)/m, ['make', 'test']],
  ['Cargo.toml', /^\[(package|workspace)\]/m, ['cargo', 'test']],
  ['go.mod', /^module /m, ['go', 'test', './...']],
  ['pytest.ini', /^\[pytest\]/m, ['pytest']],
  ['pyproject.toml', /^\[tool\.pytest\b/m, ['pytest']],
  ['setup.cfg', /^\[tool:pytest\]/m, ['pytest']],
];

/** What `npm init` writes is no test. */
function hasTestScript(text: string): boolean {
  try {
    const { scripts } = JSON.parse(text) as { readonly scripts?: { readonly test?: unknown } };
    const test = scripts?.test;
    return typeof test === 'string' && test !== '' && !test.includes('no test specified');
  } catch {
    return false;
  }
}

const lockFiles = [
  ['pnpm-lock.yaml', 'pnpm'],
  ['yarn.lock', 'yarn'],
] as const;

async function packageManager(read: ReadText): Promise<string> {
  for (const [file, manager] of lockFiles) {
    if ((await read(file)) !== undefined) return manager;
  }
  return 'npm';
}
