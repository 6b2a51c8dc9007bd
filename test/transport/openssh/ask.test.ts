import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { askEnvironment } from '../../../src/transport/openssh/ask-program.js';
import { AskPass } from '../../../src/transport/openssh/ask.js';
import { describeAsRoot, Mount } from '../../faults/machine/mounts.js';
import { Passphrases } from '../../../src/transport/openssh/passphrases.js';

/** Asks as ssh does: by the program in SSH_ASKPASS. */

let directory: string;
let asked: [what: string, retry: boolean][];
let busy: boolean[];
let shown: EventTarget;
let askPass: AskPass;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sidecar-ask-'));
  [asked, busy, shown] = [[], [], new EventTarget()];
  askPass = await AskPass.listen(directory, {
    passphrases: new Passphrases((what, retry) => {
      asked.push([what, retry]);
      return Promise.resolve(what.includes('nobody') ? undefined : `"its" $secret ${asked.length} é`);
    }),
    show: (words) => shown.dispatchEvent(new CustomEvent('words', { detail: words })),
    onBusy: (is) => busy.push(is),
  });
});
afterEach(async () => {
  askPass.close();
  await rm(directory, { recursive: true, force: true });
});

interface Start {
  /** What SSH_ASKPASS_PROMPT says. */
  readonly kind?: string;
  readonly environment?: NodeJS.ProcessEnv;
}

function start(prompt: string, { kind, environment = askPass.environment ?? {} }: Start = {}) {
  const env = { ...process.env, ...environment, ...(kind === undefined ? {} : { SSH_ASKPASS_PROMPT: kind }) };
  return spawn(environment['SSH_ASKPASS'] ?? '', [prompt], { env, stdio: ['ignore', 'pipe', 'inherit'] });
}

async function ask(prompt: string, how?: Start): Promise<{ said: string; status: unknown }> {
  const child = start(prompt, how);
  const [said, [status]] = await Promise.all([text(child.stdout), once(child, 'exit') as Promise<unknown[]>]);
  return { said, status };
}

describe('a question of ssh', () => {
  it('for a passphrase is put to the user, and again where the answer was wrong', async () => {
    const prompt = "Enter passphrase for key '/home/dev/.ssh/it's mine': ";
    expect(await ask(prompt)).toEqual({ said: '"its" $secret 1 é\n', status: 0 });
    expect(await ask(prompt)).toEqual({ said: '"its" $secret 2 é\n', status: 0 });
    const path = "/home/dev/.ssh/it's mine";
    expect(asked).toEqual([false, true].map((retry) => [path, retry]));
    expect(askPass.asked).toEqual([{ what: path, times: 2, isAnswered: true }]);
    expect(busy).toEqual([true, false, true, false]);
  });

  it('for a passphrase that another ssh was given gets the same answer, as a first try', async () => {
    const prompt = "Enter passphrase for key '/home/dev/.ssh/id': ";
    const environment = askPass.environment ?? {};
    const env = { ...process.env, ...environment };
    const askAsAnother = async (): Promise<string> => {
      const child = spawn('/bin/sh', ['-c', '"$SSH_ASKPASS" "$0"; exit $?', prompt], { env });
      return text(child.stdout);
    };
    expect([await askAsAnother(), await askAsAnother()]).toEqual(Array(2).fill('"its" $secret 1 é\n'));
    expect(asked).toEqual([['/home/dev/.ssh/id', false]]);
  });

  it('for a PIN is put to the user as what it is', async () => {
    expect(await ask('Enter PIN for ECDSA-SK key /home/dev/.ssh/id_ecdsa_sk: ')).toMatchObject({ status: 0 });
    expect(asked).toEqual([['ECDSA-SK key /home/dev/.ssh/id_ecdsa_sk (its PIN)', false]]);
  });

  it('that the user does not answer fails', async () => {
    expect(await ask("Enter passphrase for key '/nobody': ")).toEqual({ said: '', status: 1 });
    expect(askPass.asked).toEqual([{ what: '/nobody', times: 1, isAnswered: false }]);
  });

  it.each([
    'Are you sure you want to continue connecting (yes/no/[fingerprint])? ',
    "dev@web's password: ",
    'Verification code: ',
  ])('of another kind is put to nobody: %s', async (prompt) => {
    expect(await ask(prompt)).toEqual({ said: '', status: 1 });
    expect(asked).toEqual([]);
  });

  it('after a hand on the key is shown until ssh ends it', async () => {
    const words = once(shown, 'words');
    const child = start('Confirm user presence for key ED25519-SK SHA256:abc', { kind: 'none' });
    const [event] = (await words) as [CustomEvent<string>];
    expect(event.detail).toBe('Confirm user presence for key ED25519-SK SHA256:abc');
    expect(busy).toEqual([true]);
    child.kill();
    await once(child, 'exit');
    while (busy.length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(busy).toEqual([true, false]);
  });
});

describe('the program that asks', () => {
  const prompt = "Enter passphrase for key '/home/dev/.ssh/id': ";
  const place = (): { directory: string; socket: string } => ({ directory, socket: join(directory, 'a') });

  async function unpackedWithoutMode(): Promise<string> {
    const program = join(await mkdtemp(join(directory, 'package-')), 'askpass');
    await copyFile(askPass.environment?.['SSH_ASKPASS'] ?? '', program);
    await chmod(program, 0o644);
    return program;
  }

  it('runs from the directory for temporary files where that of the package does not', async () => {
    const environment = await askEnvironment(place(), await unpackedWithoutMode());
    expect(environment).toMatchObject({ SSH_ASKPASS: join(directory, 'ask'), SSH_ASKPASS_REQUIRE: 'force' });
    expect(await ask(prompt, environment && { environment })).toEqual({ said: '"its" $secret 1 é\n', status: 0 });
  });

  describeAsRoot('where nothing can be run from the directory for temporary files', () => {
    it('is that of the package, else there is none', async () => {
      const noexec = join(directory, 'noexec');
      const mount = new Mount(noexec, 'noexec,size=1m');
      try {
        const environment = await askEnvironment({ ...place(), directory: noexec });
        expect(await ask(prompt, environment && { environment })).toEqual({ said: '"its" $secret 1 é\n', status: 0 });
        expect(await askEnvironment({ ...place(), directory: noexec }, await unpackedWithoutMode())).toBeUndefined();
      } finally {
        mount.remove();
      }
    });
  });
});
