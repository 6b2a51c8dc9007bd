import type { Mount } from './mounts.js';
import { scale } from '../scale.js';

/** A resource of a disk: how a mount is given so much of it, and how much of it is in use. */
export interface Resource {
  readonly name: string;
  readonly option: (amount: number) => string;
  readonly used: (disk: Mount) => number;
}

export const bytes: Resource = {
  name: 'no space left',
  option: (amount) => `size=${Math.ceil(amount / 4096) * 4}k`,
  used: (mount) => mount.usedBytes(),
};
export const inodes: Resource = {
  name: 'no inode left',
  option: (amount) => `nr_inodes=${Math.ceil(amount)}`,
  used: (mount) => mount.usedInodes(),
};
/** Enough of everything. */
export const plenty = 'size=100m,nr_inodes=100000';

/** Of the whole way from too little to enough, as many stations as the scale asks for. */
export function fractions(stations: number): number[] {
  const count = stations * scale;
  return Array.from({ length: count }, (_, index) => (index + 0.5) / count);
}
