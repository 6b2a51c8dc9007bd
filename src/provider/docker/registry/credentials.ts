import * as v from 'valibot';

/** What a registry is shown, as the engine's API spells it. */
export interface Credentials {
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  readonly identitytoken?: string | undefined;
  readonly registrytoken?: string | undefined;
}

/** What is not said may be written as null. */
const word = v.pipe(
  v.nullish(v.string()),
  v.transform((said) => said ?? undefined),
);

/** What docker's configuration holds itself: registry → credentials. */
export const writtenLogins = v.record(
  v.string(),
  v.object({
    auth: word,
    username: word,
    password: word,
    identitytoken: word,
    registrytoken: word,
  }),
);

/** Those of a registry. Its name may be written as an address. Undefined where there are none. */
export function writtenCredentials(
  logins: v.InferOutput<typeof writtenLogins>,
  registry: string,
): Credentials | undefined {
  const key = Object.hasOwn(logins, registry)
    ? registry
    : Object.keys(logins).find((each) => each.replace(/^https?:\/\//, '').split('/', 1)[0] === registry);
  const found = key === undefined ? undefined : logins[key];
  if (found === undefined) return undefined;
  const { auth, ...given } = found;
  const credentials = { ...given, ...(auth === undefined ? {} : decoded(auth)) };
  return Object.values(credentials).some((value) => value !== undefined && value !== '') ? credentials : undefined;
}

/** `user:password` in base64. */
function decoded(auth: string): Credentials {
  const text = Buffer.from(auth, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return colon < 1 ? {} : { username: text.slice(0, colon), password: text.slice(colon + 1).replace(/\0+$/, '') };
}
