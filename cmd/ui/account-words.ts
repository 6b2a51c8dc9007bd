import type { Account } from '../../src/control/oauth/tokens.js';
import type { LoggedIn } from '../../src/control/login/log-in.js';

/** Who somebody is: `Ada Lovelace <ada@example.com>`, or what there is of that. */
export function accountWords({ sub, email, name }: Account): string {
  if (name === undefined) return email ?? sub;
  return email === undefined ? name : `${name} <${email}>`;
}

const storages: Readonly<Record<LoggedIn['storage'], string>> = {
  environment: 'by SIDECAR_TOKEN',
  keyring: 'kept in the keyring',
  file: 'kept in a file',
};

export function storageWords(storage: LoggedIn['storage']): string {
  return storages[storage];
}
