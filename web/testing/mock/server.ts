/**
 * A server that speaks docs/api.md without an engine: for developing the page (`npm run dev:mock`)
 * and for its tests. It keeps everything in memory and serves the built page from dist/.
 */

import { createReadStream, existsSync, statSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { extname, join, normalize } from 'node:path';
import type { AppInfo, Events, JobRequest, Model, Preset } from '../../src/wire/types';
import { Pictures } from './pictures';
import { expand, read } from './prompts';
import { Queue } from './queue';
import { samplers, settings } from './settings';

const types: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
  '.json': 'application/json',
};

const model = (name: string, active: boolean, native: number): Model => ({
  name,
  kind: 'sd1',
  description: `the ${name} model`,
  path: `models/${name}`,
  format: 'diffusers',
  active,
  state: active ? 'active' : 'not_loaded',
  default: active,
  native_width: native,
  native_height: native,
});

export interface MockOptions {
  pictures: number;
  step_milliseconds: number;
  dist: string;
}

export class MockServer {
  readonly pictures = new Pictures();
  readonly queue: Queue;
  private streams = new Set<ServerResponse>();
  private models = [model('demo', true, 512), model('stable-diffusion-1.5', false, 512)];
  private presets = new Map<string, Preset>();
  private remembered: object = {};
  private event = 0;
  private server: Server;

  constructor(private options: MockOptions) {
    this.queue = new Queue(this.pictures, this.send, options.step_milliseconds);
    this.pictures.fill(options.pictures, Date.now());
    this.server = createServer((request, response) => {
      this.answer(request, response).catch((error: unknown) => {
        this.fail(response, 500, 'internal', String(error));
      });
    });
  }

  /** Listens on this machine only. @returns the port, a free one if 0 was asked for. */
  listen(port: number): Promise<number> {
    return new Promise((done) => {
      this.server.listen(port, '127.0.0.1', () => {
        const found = this.server.address();
        done(typeof found === 'object' && found ? found.port : port);
      });
    });
  }

  close(): Promise<void> {
    this.queue.close();
    for (const stream of this.streams) stream.destroy();
    this.server.closeAllConnections();
    return new Promise((done) => this.server.close(() => done()));
  }

  private send = <Name extends keyof Events>(name: Name, data: Events[Name]): void => {
    const text = `id: ${++this.event}\nevent: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
    for (const stream of this.streams) stream.write(text);
  };

  private fail(response: ServerResponse, status: number, code: string, message: string): void {
    response.writeHead(status, { 'Content-Type': 'application/json' });
    response.end(JSON.stringify({ error: { code, message } }));
  }

  private engine(): Events['hello']['engine'] {
    return { state: 'ready', device: 'cpu', precision: 'float32', reason: 'no card', message: '' };
  }

  private active(): Model | null {
    return this.models.find((entry) => entry.active) ?? null;
  }

  private app(): AppInfo {
    return {
      name: 'InvokeAI',
      version: '2.3.0',
      user: { name: '', role: 'admin' },
      users_required: false,
      features: { upscaling: false, face_restoration: false },
      infill_methods: ['tile', 'solid'],
      samplers,
      model: this.active(),
      engine: this.engine(),
      output_folder: '/pictures',
    };
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://127.0.0.1');
    if (!url.pathname.startsWith('/api/v1/')) return this.page(url.pathname, response);
    const body = await collect(request);
    const parts = url.pathname.slice('/api/v1/'.length).split('/').map(decodeURIComponent);
    const route = `${request.method} ${parts[0]}`;
    const json = (value: unknown, status = 200) => {
      response.writeHead(status, { 'Content-Type': 'application/json' });
      response.end(JSON.stringify(value));
    };
    const input = () => JSON.parse(body.toString() || '{}') as Record<string, never>;
    const nothing = (what: string) =>
      this.fail(response, 404, 'not_found', `${what}: there is no ${parts[1] ?? ''}`);
    const none = () => void response.writeHead(204).end();
    const more = { more: false };

    switch (route) {
      case 'GET app':
        return json(this.app());
      case 'GET events':
        return this.stream(response);
      case 'GET settings':
        return json(parts[1] === 'schema' ? { settings } : this.remembered);
      case 'PUT settings':
        return json((this.remembered = input()));
      case 'GET presets':
        return json({ presets: [...this.presets.values()], ...more });
      case 'PUT presets': {
        const preset = { ...(input() as unknown as Preset), name: parts[1] ?? '' };
        this.presets.set(preset.name, preset);
        return json(preset);
      }
      case 'DELETE presets':
        this.presets.delete(parts[1] ?? '');
        return none();
      case 'GET queue':
        return json(this.queue.state());
      case 'PATCH queue':
        this.queue.pause(Boolean(input().paused));
        return json(this.queue.state());
      case 'GET models':
        return json({ models: this.models, ...more });
      case 'PUT models': {
        const name = String(input().name);
        if (!this.models.some((entry) => entry.name === name)) return nothing('model');
        this.models = this.models.map((entry) => model(entry.name, entry.name === name, 512));
        this.send('model', { model: this.active(), engine: this.engine() });
        return json(this.active(), 202);
      }
      case 'GET session':
        return json({ user: this.app().user, users_required: false });
      case 'POST prompt': {
        const { prompt = '', negative_prompt = '', count } = input() as Record<string, string>;
        if (parts[1] === 'expand') return json(expand(String(prompt), Number(count ?? 10)));
        return json({ positive: read(prompt), negative: read(negative_prompt) });
      }
      case 'GET boards':
        return json({ boards: this.pictures.board_list(), ...more });
      case 'POST boards': {
        const board = { id: `b${Date.now()}`, name: String(input().name), pictures: 0 };
        this.pictures.boards.set(board.id, board);
        this.touch();
        return json(board, 201);
      }
      case 'PATCH boards': {
        const board = this.pictures.boards.get(parts[1] ?? '');
        if (!board) return nothing('board');
        board.name = String(input().name);
        this.touch();
        return json(board);
      }
      case 'DELETE boards':
        this.pictures.boards.delete(parts[1] ?? '');
        this.touch();
        return none();
      case 'GET bin':
        return json({
          entries: [...this.pictures.bin].map(([id, e]) => ({ id, name: e.picture.name })),
          ...more,
        });
      case 'POST bin': {
        const entry = this.pictures.bin.get(parts[1] ?? '');
        if (!entry) return nothing('bin');
        this.pictures.bin.delete(parts[1] ?? '');
        this.pictures.stored.set(entry.picture.name, entry);
        this.touch();
        return json(entry.picture);
      }
      case 'DELETE bin': {
        const removed = this.pictures.bin.size;
        this.pictures.bin.clear();
        return json({ removed });
      }
    }
    if (parts[0] === 'jobs')
      return this.job_routes(request.method ?? '', parts, url, input, response);
    if (parts[0] === 'images') return this.image_routes(request, parts, url, body, response);
    return nothing('route');
  }

  private touch(): void {
    this.send('gallery', { revision: ++this.pictures.revision });
  }

  private job_routes(
    method: string,
    parts: string[],
    url: URL,
    input: () => Record<string, never>,
    response: ServerResponse,
  ): void {
    const json = (value: unknown, status = 200) => {
      response.writeHead(status, { 'Content-Type': 'application/json' });
      response.end(JSON.stringify(value));
    };
    if (method === 'POST' && parts.length === 1) {
      const wanted = input() as unknown as JobRequest;
      const steps = wanted.values?.steps ?? 1;
      if (typeof steps !== 'number' || steps < 1) {
        const text = `steps: a whole number from 1 to 999 is wanted, got ${JSON.stringify(steps)}`;
        return this.fail(response, 400, 'invalid_argument', text);
      }
      return json(this.queue.submit(wanted), 202);
    }
    if (method === 'GET' && parts.length === 1) {
      const jobs = [...this.queue.jobs.values()].reverse();
      return json({
        jobs: jobs.slice(0, Number(url.searchParams.get('limit') ?? 50)),
        more: false,
      });
    }
    if (method === 'DELETE') {
      let removed = 0;
      for (const job of this.queue.jobs.values()) {
        if (!job.finished) continue;
        this.queue.jobs.delete(job.id);
        this.send('job_removed', { id: job.id });
        removed++;
      }
      return json({ removed });
    }
    if (parts[1] === 'waiting') {
      const jobs = this.queue.waiting.map((id) => this.queue.jobs.get(id));
      return json({ jobs, more: false });
    }
    const job = this.queue.jobs.get(parts[1] ?? '');
    if (!job) return this.fail(response, 404, 'not_found', `there is no job ${parts[1] ?? ''}`);
    if (parts[2] === 'cancel') this.queue.cancel(job);
    if (parts[2] === 'retry') return json(this.queue.retry(job));
    if (method === 'PATCH') {
      const { place, other } = input() as unknown as { place: 'before' | 'after'; other: string };
      this.queue.move(job, place, other);
    }
    return json(job);
  }

  private image_routes(
    request: IncomingMessage,
    parts: string[],
    url: URL,
    body: Buffer,
    response: ServerResponse,
  ): void {
    const json = (value: unknown, status = 200) => {
      response.writeHead(status, { 'Content-Type': 'application/json' });
      response.end(JSON.stringify(value));
    };
    const method = request.method ?? '';
    if (method === 'POST' && parts[1] === 'import')
      return json({ added: 3, skipped: 1, problems: [] });
    if (method === 'POST') {
      const { file, filename, kind } = form(body, request.headers['content-type'] ?? '');
      const picture = this.pictures.upload(file, filename, kind === 'mask' ? 'mask' : 'upload');
      this.touch();
      return json(picture, 201);
    }
    if (parts[1] === 'count') return json({ count: this.pictures.list(url.searchParams).length });
    if (parts.length === 1) {
      const skip = Number(url.searchParams.get('skip') ?? 0);
      const limit = Number(url.searchParams.get('limit') ?? 50);
      const all = this.pictures.list(url.searchParams);
      const images = all.slice(skip, skip + limit);
      const [newest, oldest] = [images[0]?.name ?? null, images.at(-1)?.name ?? null];
      return json({ images, more: skip + limit < all.length, newest, oldest });
    }
    const name = parts[1] ?? '';
    const entry = this.pictures.stored.get(name);
    if (!entry) return this.fail(response, 404, 'not_found', `there is no picture ${name}`);
    if (parts[2]) {
      response.writeHead(200, { 'Content-Type': 'image/png', 'Cache-Control': 'max-age=3600' });
      response.end(this.pictures.bytes(name, parts[2] === 'thumbnail'));
      return;
    }
    if (method === 'PATCH') {
      Object.assign(entry.picture, JSON.parse(body.toString()));
      this.touch();
      return json(entry.picture);
    }
    if (method === 'DELETE') {
      const id = `${Date.now()}-${this.pictures.bin.size}`;
      this.pictures.bin.set(id, entry);
      this.pictures.stored.delete(name);
      this.touch();
      return json({ id, name });
    }
    const { recall, picture } = entry;
    const metadata = recall && {
      app_id: 'invoke-ai/InvokeAI',
      app_version: '2.3.0',
      model_weights: picture.model,
      image: { type: 'txt2img', prompt: recall.prompt, ...recall.values },
    };
    const dream = recall ? `"${recall.prompt}" -S ${String(picture.seed)}` : '';
    const source = recall ? 'InvokeAI' : '';
    return json({ ...picture, metadata, dream, recall, source, notes: [] });
  }

  private stream(response: ServerResponse): void {
    response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
    this.streams.add(response);
    response.on('close', () => this.streams.delete(response));
    const hello: Events['hello'] = {
      revision: this.event,
      queue: this.queue.state(),
      engine: this.engine(),
      model: this.active(),
    };
    response.write(`event: hello\ndata: ${JSON.stringify(hello)}\n\n`);
  }

  private page(path: string, response: ServerResponse): void {
    const file = join(this.options.dist, normalize(path === '/' ? '/index.html' : path));
    if (!existsSync(file) || !statSync(file).isFile()) {
      return this.fail(response, 404, 'not_found', `there is no ${path}`);
    }
    response.writeHead(200, { 'Content-Type': types[extname(file)] ?? 'application/octet-stream' });
    createReadStream(file).pipe(response);
  }
}

async function collect(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** The two fields of an upload. Browsers' forms only: the development server checks nothing. */
function form(body: Buffer, type: string): { file: Buffer; filename: string; kind: string } {
  const border = Buffer.from(`--${/boundary=(.+)$/.exec(type)?.[1] ?? ''}`);
  const found = { file: Buffer.alloc(0) as Buffer, filename: 'picture.png', kind: 'upload' };
  let start = body.indexOf(border);
  while (start >= 0) {
    const end = body.indexOf(border, start + border.length);
    if (end < 0) break;
    const part = body.subarray(start + border.length + 2, end - 2);
    const split = part.indexOf('\r\n\r\n');
    const head = part.subarray(0, split).toString();
    const data = part.subarray(split + 4);
    if (head.includes('name="kind"')) found.kind = data.toString();
    if (head.includes('name="file"')) {
      found.file = Buffer.from(data);
      found.filename = /filename="([^"]*)"/.exec(head)?.[1] ?? found.filename;
    }
    start = end;
  }
  return found;
}
