import type { AccessTokens } from '../access-tokens.js';
import type { Send } from './send.js';

/**
 * Sends with a token of the user's. One that the server does not take (401) is renewed, and then what was asked is asked
 * again, once in all, whatever it was: it was not done. `onToken` hears of every token that is sent, to keep it to itself.
 */
export function authorized(send: Send, tokens: AccessTokens, onToken: (token: string) => void): Send {
  let isRenewed = false;
  return async (asked) => {
    const { signal } = asked;
    const sendWith = (token: string): Promise<Response> => {
      onToken(token);
      return send({ ...asked, headers: { ...asked.headers, authorization: `Bearer ${token}` } });
    };
    const token = await tokens.token({ signal });
    const answer = await sendWith(token);
    if (answer.status !== 401 || isRenewed) return answer;
    isRenewed = true;
    const renewed = await tokens.token({ refused: token, signal });
    return renewed === token ? answer : sendWith(renewed);
  };
}
