import { madeBy, type SidecarRecord } from '../sidecars/record.js';

/** For how long a provider whose reads lag may not know a machine that it made, in milliseconds. */
export const newMs = 60_000;

/** For how long a machine may be on its way, in milliseconds. */
const makingMs = 10 * 60_000;

/**
 * How long ago the machine of a sidecar was last asked for, in milliseconds: not since its record was made, because a
 * creation may be repeated, and each attempt take its time.
 */
export function ageMs(record: SidecarRecord, timeOfDay: () => number): number {
  const { askedAt = record.createdAt } = madeBy(record);
  // The time of day may have been set back since.
  return Math.max(0, timeOfDay() - Date.parse(askedAt));
}

/** Whether somebody may be at it just now, who has not heard of the machine yet: it may take an image first. */
export function isBeingMade(record: SidecarRecord, timeOfDay: () => number): boolean {
  return madeBy(record).id === undefined && ageMs(record, timeOfDay) < makingMs;
}

/** The same record, whose machine was asked for just now. */
export function askedForAt(record: SidecarRecord, timeOfDay: () => number): SidecarRecord {
  return { ...record, provider: { ...madeBy(record), askedAt: new Date(timeOfDay()).toISOString() } };
}

/** Whether its machine was asked for again, or heard of, since the sidecar was as it was `before`. */
export function isMadeSince(before: SidecarRecord, now: SidecarRecord): boolean {
  if (before.provider.kind !== 'made' || now.provider.kind !== 'made') return false;
  return before.provider.id !== now.provider.id || before.provider.askedAt !== now.provider.askedAt;
}
