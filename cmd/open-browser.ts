/** Opens a page for the user, where there is a display. Whether it worked cannot be told: the address is shown as well. */
export async function openBrowser(
  url: string,
  { env, platform }: { readonly env: NodeJS.ProcessEnv; readonly platform: NodeJS.Platform },
): Promise<void> {
  if (!hasDisplay(env, platform)) return;
  try {
    const { default: open } = await import('open');
    // As the URL standard writes it: what came from the network is an argument of a program.
    (await open(new URL(url).href)).on('error', () => undefined);
  } catch {
    // As where there is none.
  }
}

function hasDisplay(env: NodeJS.ProcessEnv, platform: NodeJS.Platform): boolean {
  const isSet = (name: string): boolean => (env[name] ?? '') !== '';
  if (isSet('SSH_CONNECTION')) return false; // a browser would open where nobody sits
  return platform === 'win32' || platform === 'darwin' || ['DISPLAY', 'WAYLAND_DISPLAY', 'WSL_DISTRO_NAME'].some(isSet);
}
