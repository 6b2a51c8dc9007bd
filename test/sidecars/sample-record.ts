import type { MadeRecord, SidecarRecord } from '../../src/sidecars/record.js';

/** What is kept of some local machine. */
export const sampleMade: MadeRecord = {
  ...{ kind: 'made', by: 'local', place: {} },
  requestId: '7f1f2a0e-3f0c-4d1e-9a55-5f3f6d6f0c11',
};

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
