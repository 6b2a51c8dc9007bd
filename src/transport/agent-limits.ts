/** What is asked of the program that holds the keys, in milliseconds. */
export interface AgentLimits {
  /** How long the agent may take to list its keys: it needs to ask nobody for that. */
  readonly listMs: number;
  /** How long it may take to sign: it may ask its user to confirm, or to touch a token. */
  readonly signMs: number;
}

export const agentLimits: AgentLimits = { listMs: 2_000, signMs: 120_000 };
