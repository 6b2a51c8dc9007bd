import type { Facts } from '../../src/errors.js';
import { count, formatSeconds } from './quantities.js';

/** A fact that is words; undefined when there is none. */
export function text(facts: Facts, key: string): string | undefined {
  const value = facts[key];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

export function the(facts: Facts, key: string, otherwise: string): string {
  return text(facts, key) ?? otherwise;
}

/** Why it happened, in the words of the place that knows. */
export function because(facts: Facts, otherwise: string): string {
  return the(facts, 'reason', otherwise);
}

export function list(facts: Facts, key: string): readonly string[] {
  const value = facts[key];
  return Array.isArray(value) ? (value as readonly string[]) : [];
}

export function number(facts: Facts, key: string): number | undefined {
  const value = facts[key];
  return typeof value === 'number' ? value : undefined;
}

/** The server that it is about: the sidecar, or a host on the way, `bastion (10.0.0.1:22), on the way to web,`. */
export function place(facts: Facts): string {
  const hop = text(facts, 'hop');
  if (hop === undefined) return goal(facts);
  const address = addressOf(facts);
  return `${hop}${address === undefined || address === hop ? '' : ` (${address})`}, on the way to ${the(facts, 'sidecar', 'the sidecar')},`;
}

/** The sidecar by the name that the user gave it, and its address: `web (10.0.0.7:22)`. */
export function goal(facts: Facts): string {
  const sidecar = text(facts, 'sidecar');
  const address = addressOf(facts);
  if (sidecar === undefined || address === undefined) return sidecar ?? address ?? 'the sidecar';
  return sidecar === address ? sidecar : `${sidecar} (${address})`;
}

function addressOf(facts: Facts): string | undefined {
  const host = text(facts, 'host');
  const port = number(facts, 'port');
  // Port 0 stands for one that the provider has not told yet.
  if (host === undefined || port === undefined || port === 0) return host;
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** The workspace, and the sidecar it is on where that is known. */
export function workspace(facts: Facts): string {
  const sidecar = text(facts, 'sidecar');
  return the(facts, 'workspace', 'the workspace') + (sidecar === undefined ? '' : ` on ${sidecar}`);
}

/** What it took to fail: ` (10 attempts in 90 s)`. */
export function effort(facts: Facts): string {
  const attempts = number(facts, 'attempts');
  const elapsedMs = number(facts, 'elapsedMs');
  if (attempts === undefined || elapsedMs === undefined) return '';
  return ` (${count(attempts, 'attempt')} in ${formatSeconds(elapsedMs)})`;
}
