import { engineMachine, type EngineAddress } from '../docker/engine/address.js';
import { label } from '../docker/labels.js';
import { sshServer } from '../docker/ssh-server.js';
import type { CallOptions, Machine } from '../provider.js';
import type { Service, Task } from './answers.js';
import type { SwarmManager } from './manager.js';
import { starting, stateOf } from './task-state.js';

/** A service of ours as a machine: its newest task, on whatever node that is. */
export async function machineOf(
  service: Service,
  { manager, address }: { readonly manager: SwarmManager; readonly address: EngineAddress },
  options: CallOptions,
): Promise<Machine> {
  const { ID: id, Spec } = service;
  const labels = Spec.Labels ?? {};
  const machine = { id, name: labels[label.name] ?? '', requestId: labels[label.requestId] ?? '' };
  if (Spec.Mode.Replicated?.Replicas === 0) return { ...machine, state: 'stopped', reason: 'it is scaled to 0 tasks' };

  const tasks = await manager.tasks(id, options);
  const task = tasks.find(({ DesiredState }) => DesiredState === 'running') ?? tasks[0];
  const { state, reason } = task === undefined ? starting('it has no task yet') : stateOf(task, tasks);
  const port = task === undefined ? undefined : portOf(task);
  if (state !== 'running' || task === undefined)
    return { ...machine, state, ...(reason === undefined ? {} : { reason }) };
  if (port === undefined) return { ...machine, ...starting('its port is not published yet') };

  const node = await manager.node(task.NodeID, options);
  // Its task is about to be started elsewhere.
  if (node === undefined || node.Status.State === 'down') return { ...machine, ...starting('its node is down') };
  const endpoint = { kind: 'tcp', host: hostOf(node.Status.Addr, address), port } as const;
  const hostKeys = labels[label.hostKey] === undefined ? [] : [labels[label.hostKey] ?? ''];
  return { ...machine, state, ssh: { endpoint, user: labels[label.user] ?? 'root', hostKeys } };
}

function portOf({ Status }: Task): number | undefined {
  const published = Status.PortStatus?.Ports?.find(({ TargetPort }) => TargetPort === sshServer.port);
  return published?.PublishedPort === 0 ? undefined : published?.PublishedPort;
}

/** A swarm of one may not know how others see its node. */
function hostOf(nodeAddress: string, manager: EngineAddress): string {
  const isKnown = nodeAddress !== '' && nodeAddress !== '0.0.0.0' && !nodeAddress.startsWith('127.');
  return isKnown ? nodeAddress : engineMachine(manager);
}
