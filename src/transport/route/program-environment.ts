/** Variables that other programs do not get: the session with a control plane. */
const withheld = ['SIDECAR_TOKEN'];

/** The environment that a program of somebody else's is started with. */
export function programEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !withheld.includes(name)));
}
