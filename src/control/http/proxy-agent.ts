import type { Agent } from 'node:http';
import { proxyFor } from '../../transport/route/proxy.js';
import { NoAnswer } from './no-answer.js';
import type { Trust } from '../../transport/route/trust.js';

export interface ProxyWay {
  readonly agent: Agent;
  /** Rejects when the proxy does not lead to the server: what it says then is not the server's answer. */
  readonly refused: Promise<never>;
  /** Whether it has led there. */
  readonly hasConnected: () => boolean;
}

export interface ProxyOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
  /** What is thrown where the environment names none that can be used. */
  readonly invalid: (reason: string) => Error;
}

/** The way through the proxy that the environment names for `url`. Undefined: there is none. Throws as `proxyFor`. */
export async function proxyAgent(
  url: URL,
  { env, signal, invalid, ...trust }: Trust & ProxyOptions,
): Promise<ProxyWay | undefined> {
  const proxy = proxyFor(url, env, invalid);
  if (proxy === undefined) return undefined;
  const { HttpsProxyAgent } = await import('https-proxy-agent');
  // The agent keeps to itself the connection on which it still waits for the proxy's answer.
  const agent = new HttpsProxyAgent(proxy.href, { ...trust, signal });
  let hasConnected = false;
  const refused = new Promise<never>((_, reject) => {
    agent.once('proxyConnect', ({ statusCode }: { statusCode: number }) => {
      hasConnected = statusCode === 200;
      if (hasConnected) return;
      const words = `the proxy ${proxy.origin} answered with ${statusCode}`;
      reject(new NoAnswer('not reached', words, { retryable: statusCode >= 500 }));
    });
  });
  refused.catch(() => undefined);
  return { agent, refused, hasConnected: () => hasConnected };
}
