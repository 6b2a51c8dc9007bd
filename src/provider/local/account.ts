import { userInfo } from 'node:os';

/** The only user that a local sidecar lets in. In a container, the account may have no name. */
export function accountName(): string {
  try {
    return userInfo().username;
  } catch {
    return 'sidecar';
  }
}
