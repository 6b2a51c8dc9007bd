/** Signals a whole process group, or, on Windows, its leader. False where nothing is left to get it. 0 only asks. */
export function signalGroup(leader: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(process.platform === 'win32' ? leader : -leader, signal);
  } catch (error) {
    // macOS says so of a group whose processes have all ended, and are not yet waited for.
    return (error as NodeJS.ErrnoException).code === 'EPERM' && process.platform !== 'darwin';
  }
}
