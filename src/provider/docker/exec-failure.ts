import { SidecarError } from '../../errors.js';
import { scriptExit } from './scripts.js';

/** What a program in a container said, and how it ended. */
export interface Ended {
  readonly exitCode: number | null;
  readonly stderr: string;
}

/** The error of a container in which `check` or `serve` did not do what they should. */
export function scriptFailure({ exitCode, stderr }: Ended): SidecarError {
  const said = stderr.trim().split('\n').slice(-3).join('; ').slice(-500);
  if (exitCode === null) {
    const reason = 'the engine cut the connection to its container';
    return new SidecarError('provider.failed', { reason }, { retryable: true });
  }
  if (exitCode === scriptExit.missingPrograms) {
    const missing = said.split(' ').join(' and ');
    return permanent(
      `the image has no ${missing}`,
      'add them to it: `RUN apt-get update && apt-get install -y openssh-server git`, or `RUN apk add openssh-server git`',
    );
  }
  if (exitCode === scriptExit.unusableAccount)
    return permanent(said, 'choose another account with the option user, as in `user=root`');
  // As shells and engines say that they could not start it.
  if (exitCode === 126 || exitCode === 127)
    return permanent(`the image has no sh that runs${said === '' ? '' : `: ${said}`}`);
  return permanent(`the SSH server in the container ended with exit code ${exitCode}${said === '' ? '' : `: ${said}`}`);
}

function permanent(reason: string, suggestion?: string): SidecarError {
  const facts = suggestion === undefined ? { reason } : { reason, suggestion };
  return new SidecarError('provider.failed', facts, { retryable: false });
}
