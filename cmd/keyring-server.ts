import type { KeyringAnswer, KeyringRequest } from '../src/control/tokens/keyring-messages.js';

/**
 * The process that asks the keyring of the system, one thing. Nobody runs it by hand: src/control/tokens/keyring-process.ts
 * does, and ends it. It gets nothing from whoever starts it but by that channel.
 */
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL')); // a thread that hangs keeps it from exiting

const tell = (answer: KeyringAnswer): void => void process.send?.(answer);

// The library is loaded before anything is asked: how long that takes says nothing about the keyring.
const library = import('@napi-rs/keyring').catch((error: unknown) => new Error(messageOf(error)));

process.once('message', (request: KeyringRequest) => void answerTo(request).then(tell));
void library.then(() => tell({ kind: 'started' }));

async function answerTo({ service, account, call, secret = '' }: KeyringRequest): Promise<KeyringAnswer> {
  const loaded = await library;
  if (loaded instanceof Error) return { kind: 'absent', reason: loaded.message };
  let entry: InstanceType<(typeof loaded)['AsyncEntry']>;
  try {
    // Of Linux no other is taken: the kernel's, to which the library would fall back, forgets with the next boot.
    entry = new loaded.AsyncEntry(service, account, { linux: { store: 'secret-service' } });
  } catch (error) {
    return { kind: 'absent', reason: messageOf(error) };
  }
  try {
    if (call === 'get') return { kind: 'done', secret: (await entry.getPassword()) ?? undefined };
    if (call === 'set') await entry.setPassword(secret);
    else await entry.deletePassword();
    return { kind: 'done' };
  } catch (error) {
    return { kind: 'failed', reason: messageOf(error) };
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
