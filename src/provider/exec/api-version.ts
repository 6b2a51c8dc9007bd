/** Of the protocol that `protocol.ts` writes down. */
export const apiVersion = 'sidecar.dev/provider/v1';
