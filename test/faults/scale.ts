/** How many times as many cases as in the usual test run: `npm run faults` sets `FAULT_SCALE`. At least 1. */
export const scale = Math.max(1, Number(process.env['FAULT_SCALE'] ?? '1') || 1);
