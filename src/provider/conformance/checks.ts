import { creationChecks } from './creation-checks.js';
import type { Check } from './check.js';
import { endChecks } from './end-checks.js';
import { loginChecks } from './login-checks.js';

/** Everything that a provider promises, in the order in which it costs least to find out: most share one machine. */
export const checks: readonly Check[] = [...creationChecks, ...loginChecks, ...endChecks];
