/** `npm run dev:mock [-- --pictures N --port N --step N]`: the page with a server of make-believe. */

import { parseArgs } from 'node:util';
import { MockServer } from './server';

const { values } = parseArgs({
  options: {
    pictures: { type: 'string', default: '60' },
    port: { type: 'string', default: '9090' },
    step: { type: 'string', default: '150' },
  },
});

const server = new MockServer({
  pictures: Number(values.pictures),
  step_milliseconds: Number(values.step),
  dist: new URL('../../dist', import.meta.url).pathname,
});
const port = await server.listen(Number(values.port));
console.log(`http://127.0.0.1:${port}/ (after npm run build), or npm run dev beside it`);
