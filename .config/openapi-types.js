// `node .config/openapi-types.js`: writes the types of the control plane's OpenAPI document into src/control/. With
// `--print`, it prints them instead.
import openapiTS, { astToString } from 'openapi-typescript';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import * as prettier from 'prettier';

const root = path.join(import.meta.dirname, '..');
const file = path.join(root, 'src/control/openapi-types.ts');

const made = astToString(await openapiTS(new URL('../src/control/openapi.json', import.meta.url)));
// What the document has nothing of.
const types = made.replace(/^export type (webhooks|\$defs) = .*\n/gm, '');
const text = `// Made of openapi.json by \`npm run openapi-types\`.\n\n${types}`;
const formatted = await prettier.format(text, { ...(await prettier.resolveConfig(file)), parser: 'typescript' });
if (process.argv.includes('--print')) process.stdout.write(formatted);
else writeFileSync(file, formatted);
