import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { deviations } from '../reference-server/openapi-check.js';

const root = path.join(import.meta.dirname, '../..');

describe('the OpenAPI document of the control plane', () => {
  it('has types that were made of it as it is: else run `npm run openapi-types`', async () => {
    const program = path.join(root, '.config/openapi-types.js');
    const { stdout } = await promisify(execFile)(process.execPath, [program, '--print']);
    expect(await readFile(path.join(root, 'src/control/openapi-types.ts'), 'utf8')).toBe(stdout);
  });

  describe('is what tests hold requests and answers against', () => {
    const sidecar = { id: 'sc-1', name: 'web', requestId: 'r', state: 'running' };
    const exchange = {
      method: 'GET',
      path: '/v1/sidecars/sc-1',
      headers: {},
      body: undefined,
      status: 200,
      answer: sidecar,
    };
    const make = {
      method: 'POST',
      path: '/v1/sidecars',
      headers: { 'idempotency-key': 'r' },
      status: 201,
      answer: sidecar,
    };
    const body = { name: 'web', requestId: 'r' };

    it('as they should be', () => {
      expect(deviations(exchange)).toEqual([]);
      expect(deviations({ ...make, body })).toEqual([]);
      const error = { code: 'not_found', message: 'no' };
      expect(deviations({ ...exchange, status: 404, answer: { error } })).toEqual([]);
      expect(deviations({ ...exchange, status: 503, answer: '<html>' })).toEqual([]);
    });

    it.each([
      ['an answer that lacks something', { ...exchange, answer: { ...sidecar, id: undefined } }],
      ['a state that there is not', { ...exchange, answer: { ...sidecar, state: 'paused' } }],
      [
        'an endpoint that there is not',
        {
          ...exchange,
          answer: { ...sidecar, ssh: { endpoint: { kind: 'tcp', host: 'h' }, user: 'u', hostKeys: ['k'] } },
        },
      ],
      ['a status that there is not', { ...exchange, status: 202 }],
      ['an error without a message', { ...exchange, status: 404, answer: { error: { code: 'x' } } }],
      ['an answer where there is none', { ...exchange, method: 'DELETE', status: 204 }],
      ['a request that lacks something', { ...make, body: { name: 'web' } }],
      ['a request without its key', { ...make, headers: {}, body }],
      ['a call that there is not', { ...exchange, path: '/v2/sidecars' }],
    ])('and not %s', (_, wrong) => {
      expect(deviations({ ...{ body: undefined }, ...wrong })).toHaveLength(1);
    });
  });
});
