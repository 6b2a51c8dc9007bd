import { createRequire } from 'node:module';
import path from 'node:path';

const { resolve } = createRequire(import.meta.url);

/** The directory of this package, found by its name: the same for the sources, the build and where it is installed. */
export const packageRoot = path.dirname(resolve('sidecar/package.json'));
