import type { SidecarRecord } from '../../src/sidecars/record.js';

/** A record of some ssh host. */
export function sampleRecord(name: string, changes: Partial<SidecarRecord> = {}): SidecarRecord {
  return {
    name,
    createdAt: '2026-11-22T08:00:00.000Z',
    hostKeys: [],
    provider: { kind: 'ssh', host: 'dev.example.com' },
    ...changes,
  };
}
