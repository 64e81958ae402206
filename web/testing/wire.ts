/** Writes src/wire/schema.d.ts from the server's OpenAPI document: `npm run wire`. */

import { readFile, writeFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import openapi, { astToString } from 'openapi-typescript';

const document = new URL('../../src/server/openapi.json', import.meta.url);
export const target = new URL('../src/wire/schema.d.ts', import.meta.url);

export async function wire_types(): Promise<string> {
  const schema = JSON.parse(await readFile(document, 'utf8')) as object;
  const tree = await openapi(schema as never, { defaultNonNullable: false });
  return `// Written by \`npm run wire\` from src/server/openapi.json; not edited by hand.\n\n${astToString(tree)}`;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  await writeFile(target, await wire_types());
}
