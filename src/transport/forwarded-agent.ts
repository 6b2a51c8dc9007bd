/** An agent that the commands of a connection may use. */
export interface ForwardedAgent {
  readonly socket: string;
  /** Called once, when the server does not take it. The command is started without. */
  readonly onRefused: () => void;
}
