import type { AccessTokens } from '../access-tokens.js';
import type { Send } from './send.js';

/**
 * Sends with a token of the user's. One that the server does not take (401) is renewed, and then what was asked is asked
 * again, once, whatever it was: it was not done. A renewal is never repeated here, because what it sends may be good for one
 * time only. `onToken` hears of every token that is sent, to keep it to itself.
 */
export function authorized(send: Send, tokens: AccessTokens, onToken: (token: string) => void): Send {
  return async (asked) => {
    const { signal } = asked;
    const sendWith = (token: string): Promise<Response> => {
      onToken(token);
      return send({ ...asked, headers: { ...asked.headers, authorization: `Bearer ${token}` } });
    };
    const token = await tokens.token({ signal });
    const answer = await sendWith(token);
    if (answer.status !== 401) return answer;
    const renewed = await tokens.token({ refused: token, signal });
    return renewed === token ? answer : sendWith(renewed);
  };
}
