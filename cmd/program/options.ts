import { Option } from 'commander';

/** Options that several verbs share. */
export function driftOption(): Option {
  const words = 'changes made over there: save them aside and go on (default), or refuse';
  return new Option('--drift <what>', words).choices(['save', 'refuse']);
}

export function afterLandingOption(): Option {
  return new Option('--no-after-landing', 'do not run the command that settings want run after a landing');
}

export function connectTimeoutOption(): Option {
  return new Option('--connect-timeout <duration>', 'how long to try to connect, as 90s or 2m (default: 90s)');
}

/** For an option that may be given more than once. */
export function repeated(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}
