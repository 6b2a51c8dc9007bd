/** A project's settings, in its top directory. */
export const projectFileName = '.sidecar.json';

/** The user's own, in their configuration directory. */
export const userFileName = 'config.json';
