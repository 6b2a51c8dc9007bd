import type { Container } from './engine/answers.js';
import type { MachineRef, MachineSpec } from '../provider.js';

/** What a container carries by which it is known again. */
export const label = {
  name: 'dev.sidecar.name',
  requestId: 'dev.sidecar.request-id',
  version: 'dev.sidecar.version',
  /** Who logs in, by name or number. */
  user: 'dev.sidecar.user',
  hostKey: 'dev.sidecar.host-key',
  /** Where its SSH server is published on a port: the address, as \`--publish\` had it. */
  publish: 'dev.sidecar.publish',
  workdir: 'dev.sidecar.workdir',
} as const;

const labelVersion = '1';

export function containerName(name: string): string {
  return `sidecar-${name}`;
}

export function identityLabels({ name, requestId, hostKey }: MachineSpec): Record<string, string> {
  return {
    [label.name]: name,
    [label.requestId]: requestId,
    [label.version]: labelVersion,
    [label.hostKey]: hostKey.publicKey,
  };
}

/** The labels by which a machine is looked for. */
export function labelsOf({ name, requestId }: Pick<MachineRef, 'name' | 'requestId'>): string[] {
  return [`${label.name}=${name}`, `${label.requestId}=${requestId}`];
}

export function labelOf({ Config }: Container, wanted: keyof typeof label): string | undefined {
  return Config.Labels?.[label[wanted]];
}

/** Whether these are the labels of that machine. */
export function areOf(
  labels: Readonly<Record<string, string>> | null | undefined,
  { name, requestId }: Pick<MachineRef, 'name' | 'requestId'>,
): boolean {
  return labels?.[label.name] === name && labels[label.requestId] === requestId;
}
