import { madeBy, type SidecarRecord } from '../sidecars/record.js';

/** For how long a provider whose reads lag may not know a machine that it made, in milliseconds. */
export const newMs = 60_000;

/**
 * How long ago the machine of a sidecar was last asked for, in milliseconds: not since its record was made, because a
 * creation may be repeated, and each attempt take its time.
 */
export function ageMs(record: SidecarRecord, timeOfDay: () => number): number {
  const { askedAt = record.createdAt } = madeBy(record);
  // The time of day may have been set back since.
  return Math.max(0, timeOfDay() - Date.parse(askedAt));
}

/** The same record, whose machine was asked for just now. */
export function askedForAt(record: SidecarRecord, timeOfDay: () => number): SidecarRecord {
  return { ...record, provider: { ...madeBy(record), askedAt: new Date(timeOfDay()).toISOString() } };
}
