import path from 'node:path';

/** The directory of this package. The build keeps this true of what it makes: see `import.meta` in `.config/build.js`. */
export const packageRoot = path.join(import.meta.dirname, '..');
