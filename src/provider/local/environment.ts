/** What the commands of a local sidecar may know of the environment in which it was started. */
const passed = ['PATH', 'LANG', 'SHELL', 'TERM', 'TMPDIR'];

/** Language and regional settings, the one thing that a client may set, as in most sshd configurations (AcceptEnv). */
export function isLocale(variable: string): boolean {
  return variable === 'LANG' || /^LC_[A-Z]+$/.test(variable);
}

/**
 * The environment of a machine of its own: nothing of the user's session leaks into it, neither secrets nor the settings
 * of git, of sidecar or of XDG directories.
 */
export function machineEnvironment({ env, home, user }: MachineSources): Record<string, string> {
  const kept = Object.entries(env).filter(([name]) => passed.includes(name) || isLocale(name));
  return {
    PATH: '/usr/local/bin:/usr/bin:/bin',
    SHELL: '/bin/sh',
    ...Object.fromEntries(kept.filter((entry): entry is [string, string] => entry[1] !== undefined)),
    HOME: home,
    USER: user,
    LOGNAME: user,
  };
}

export interface MachineSources {
  readonly env: NodeJS.ProcessEnv;
  readonly home: string;
  readonly user: string;
}
