/** Which build of this program a process runs. */
export interface Build {
  readonly version: string;
  /** When it was built, in milliseconds since 1970: tells two builds of one version apart. */
  readonly builtMs: number;
}

/** Negative when `one` is older than `other`, positive when it is newer, 0 when they are the same build. */
export function compareBuilds(one: Build, other: Build): number {
  const [ones, others] = [numbers(one.version), numbers(other.version)];
  for (const [index, number] of ones.entries()) {
    const difference = number - (others[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return one.builtMs - other.builtMs;
}

const numbers = (version: string): number[] => (/^(\d+)\.(\d+)\.(\d+)/.exec(version) ?? []).slice(1).map(Number);
