import { addAbortSignal, type Duplex } from 'node:stream';
import ssh2, { type BaseAgent, type ParsedKey } from 'ssh2';
import { agentLimits, type AgentLimits } from './agent-limits.js';
import type { Sign, SignatureHash } from './one-key-agent.js';
import { parsePublicBlob } from './private-key.js';
import { keyType } from './public-key.js';
import { WireReader } from './wire-reader.js';

/** A key that an ssh-agent holds and that we can ask it to sign with. */
export interface AgentKey {
  readonly key: ParsedKey;
  readonly comment: string;
  readonly sign: Sign;
}

export interface AgentKeys {
  readonly keys: readonly AgentKey[];
  /** What was passed over, each with its reason. */
  readonly passedOver: readonly string[];
  /** Keys among that which the agent holds and ssh2 cannot use. */
  readonly foreign: readonly { readonly type: string; readonly comment: string }[];
}

/**
 * The keys in the agent behind `socket`. An agent that is gone, silent or talks nonsense is passed over like any other
 * source of keys that has none: never thrown, never waited for beyond `limits`.
 */
export async function listAgentKeys(socket: string, limits: AgentLimits = agentLimits): Promise<AgentKeys> {
  const agent = ssh2.createAgent(socket);
  try {
    const answer = await within(limits.listMs, (signal) => requestIdentities(agent, signal));
    return readIdentities(answer, (key, comment) => ({
      key,
      comment,
      sign: (data, hash) => within(limits.signMs, () => sign(agent, key, data, hash)),
    }));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { keys: [], passedOver: [`ssh-agent at ${socket} (${reason})`], foreign: [] };
  }
}

// https://datatracker.ietf.org/doc/html/draft-miller-ssh-agent §6.1
const requestIdentitiesMessage = Buffer.from([0, 0, 0, 1, 11]);
const identitiesAnswer = 12;
/** OpenSSH's own bound on a message of its agent. */
const maxAnswerBytes = 256 * 1024;

/**
 * The body of the agent's answer. ssh2 could list the keys itself, but drops in silence those that it cannot use, and
 * a user whose only key is one of those deserves to hear it.
 */
async function requestIdentities(agent: BaseAgent, signal: AbortSignal): Promise<Buffer> {
  const stream = addAbortSignal(signal, await openStream(agent));
  stream.write(requestIdentitiesMessage);
  let received = Buffer.alloc(0);
  // Leaving the loop destroys the stream.
  for await (const chunk of stream) {
    received = Buffer.concat([received, chunk as Buffer]);
    if (received.length < 4) continue;
    const length = received.readUInt32BE(0);
    if (length > maxAnswerBytes) break;
    if (received.length >= 4 + length) return received.subarray(4, 4 + length);
  }
  throw new Error('it gave no usable answer');
}

function openStream(agent: BaseAgent): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    if (agent.getStream === undefined) {
      reject(new Error('it has no stream'));
      return;
    }
    agent.getStream((error, stream) => {
      if (stream === undefined) reject(error ?? new Error('it cannot be reached'));
      else resolve(stream);
    });
  });
}

function readIdentities(answer: Buffer, toKey: (key: ParsedKey, comment: string) => AgentKey): AgentKeys {
  const keys: AgentKey[] = [];
  const foreign: { type: string; comment: string }[] = [];
  if (answer[0] !== identitiesAnswer) throw new Error('it refused to list its keys');
  const reader = new WireReader(answer);
  reader.skip(1);
  for (let left = reader.uint32(); left > 0; left--) {
    const blob = reader.string();
    const comment = reader.string().toString();
    const key = parsePublicBlob(blob);
    if (key !== undefined) keys.push(toKey(key, comment));
    else foreign.push({ type: keyType(blob) ?? 'unknown', comment });
  }
  const passedOver = foreign.map(({ type, comment }) => `agent: ${comment} (keys of type ${type} are not supported)`);
  return { keys, passedOver, foreign };
}

function sign(agent: BaseAgent, key: ParsedKey, data: Buffer, hash: SignatureHash | undefined): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    agent.sign(key, data, hash === undefined ? {} : { hash }, (error, signature) => {
      if (signature === undefined) reject(error ?? new Error('the agent did not sign'));
      else resolve(signature);
    });
  });
}

/** Runs `operation` for at most `limitMs`: then aborts it and rejects, whether it heeds the signal or not. */
async function within<T>(limitMs: number, operation: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`no answer in ${String(limitMs / 1000)} s`));
      controller.abort();
    }, limitMs);
  });
  try {
    return await Promise.race([operation(controller.signal), limit]);
  } finally {
    clearTimeout(timer);
  }
}
