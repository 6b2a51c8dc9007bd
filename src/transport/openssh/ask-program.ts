import { access, chmod, constants, copyFile } from 'node:fs/promises';
import path from 'node:path';
import { packageRoot } from '../../package.js';
import { shellWord } from '../shell-word.js';

/** Of this package. */
const shipped = path.join(packageRoot, 'src/transport/openssh/askpass');

/**
 * What ssh has to find in its environment so that it asks who listens on `socket`, whatever terminal there is. Undefined
 * where nothing can be run that it could start: a place may be mounted so, for temporary files more often than for the
 * program itself, and a package may have been unpacked without what says that a file is a program.
 */
export async function askEnvironment(
  { directory, socket }: { readonly directory: string; readonly socket: string },
  program = shipped,
): Promise<NodeJS.ProcessEnv | undefined> {
  const askpass = (await canRun(program)) ? program : await copied(program, path.join(directory, 'ask'));
  if (askpass === undefined) return undefined;
  const command = [process.execPath, '-e', handOn, '--', socket].map(shellWord).join(' ');
  return { SSH_ASKPASS: askpass, SSH_ASKPASS_REQUIRE: 'force', SIDECAR_ASK: command };
}

async function copied(program: string, to: string): Promise<string | undefined> {
  try {
    await copyFile(program, to);
    await chmod(to, 0o700);
  } catch {
    return undefined; // Most connections need nothing to be asked.
  }
  return (await canRun(to)) ? to : undefined;
}

function canRun(file: string): Promise<boolean> {
  return access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
}

/** Hands the question on, and prints the answer. It ends with the socket, and without an answer it fails. */
const handOn = `
const [socket, prompt] = process.argv.slice(1);
const kind = process.env.SSH_ASKPASS_PROMPT ?? '';
let answer = '';
require('node:net').connect(socket)
  .on('connect', function () { this.write(JSON.stringify({ prompt, kind, asker: process.ppid }) + '\\n'); })
  .on('data', (bytes) => (answer += bytes))
  .on('error', () => process.exit(1))
  .on('end', () => (answer === '' ? process.exit(1) : process.stdout.write(answer, () => process.exit(0))));
`;
