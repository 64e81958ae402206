/** Requests to the server. Addresses are relative to the page, so proxies may add a path. */

import type {
  AppInfo,
  BinEntry,
  Board,
  Job,
  JobRequest,
  Model,
  Picture,
  PictureDetails,
  PicturePage,
  Preset,
  QueueState,
  Reading,
  Role,
  Setting,
  User,
} from './types';

/** What went wrong, as the server says it, or `offline` when it cannot be reached. */
export class ServerError extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly status: number,
  ) {
    super(message);
  }
}

export function address(path: string): string {
  return new URL(`api/v1/${path}`, document.baseURI).href;
}

/** The server gives addresses from its root; below a proxy's path they are made relative. */
export function picture_address(name: string, what: 'file' | 'thumbnail'): string {
  return address(`images/${encodeURIComponent(name)}/${what}`);
}

async function failure(response: Response): Promise<ServerError> {
  try {
    const body = (await response.json()) as { error?: { code: string; message: string } };
    if (body.error) return new ServerError(body.error.code, body.error.message, response.status);
  } catch {
    // Not our server's words (a proxy's page): the status has to do.
  }
  return new ServerError('internal', `${response.status} ${response.statusText}`, response.status);
}

type Query = Record<string, string | number | boolean | null | undefined>;

function with_query(path: string, query: Query): string {
  const parts = Object.entries(query).filter(([, value]) => value !== undefined && value !== null);
  if (parts.length === 0) return path;
  return `${path}?${new URLSearchParams(parts.map(([key, value]) => [key, String(value)]))}`;
}

async function ask<T>(method: string, path: string, body?: unknown): Promise<T> {
  const request: RequestInit = { method, credentials: 'same-origin' };
  if (body instanceof FormData) request.body = body;
  else if (body !== undefined) {
    request.body = JSON.stringify(body);
    request.headers = { 'Content-Type': 'application/json' };
  }
  let response: Response;
  try {
    response = await fetch(address(path), request);
  } catch {
    throw new ServerError('offline', 'The server cannot be reached.', 0);
  }
  if (!response.ok) throw await failure(response);
  if (response.status === 204) return undefined as T;
  const text = await response.text();
  return (text === '' ? undefined : JSON.parse(text)) as T;
}

const enc = encodeURIComponent;

/** Which pictures: empty and absent values mean "all". */
export interface PictureFilter {
  kind?: string;
  search?: string;
  model?: string;
  sampler?: string;
  starred?: boolean;
  board?: string;
}

export const client = {
  app: () => ask<AppInfo>('GET', 'app'),
  schema: async () => (await ask<{ settings: Setting[] }>('GET', 'settings/schema')).settings,
  settings: () => ask<Record<string, unknown>>('GET', 'settings'),
  store_settings: (settings: object) => ask<unknown>('PUT', 'settings', settings),

  presets: async () => (await ask<{ presets: Preset[] }>('GET', 'presets')).presets,
  store_preset: ({ name, ...preset }: Preset) => ask<Preset>('PUT', `presets/${enc(name)}`, preset),
  remove_preset: (name: string) => ask<unknown>('DELETE', `presets/${enc(name)}`),

  submit: (job: JobRequest) => ask<Job>('POST', 'jobs', job),
  jobs: (limit: number) =>
    ask<{ jobs: Job[]; more: boolean }>('GET', with_query('jobs', { limit })),
  waiting: () => ask<{ jobs: Job[] }>('GET', 'jobs/waiting'),
  job: (id: string) => ask<Job>('GET', `jobs/${enc(id)}`),
  cancel: (id: string) => ask<Job>('POST', `jobs/${enc(id)}/cancel`),
  retry: (id: string) => ask<Job>('POST', `jobs/${enc(id)}/retry`),
  move: (id: string, place: 'before' | 'after', other: string) =>
    ask<Job>('PATCH', `jobs/${enc(id)}`, { place, other }),
  forget_ended: (finished_before: number) =>
    ask<{ removed: number }>('DELETE', with_query('jobs', { finished_before })),
  queue: () => ask<QueueState>('GET', 'queue'),
  pause: (paused: boolean) => ask<QueueState>('PATCH', 'queue', { paused }),

  pictures: (filter: PictureFilter, skip: number, limit: number) =>
    ask<PicturePage>('GET', with_query('images', { ...filter, skip, limit })),
  count: async (filter: PictureFilter) =>
    (await ask<{ count: number }>('GET', with_query('images/count', { ...filter }))).count,
  picture: (name: string) => ask<PictureDetails>('GET', `images/${enc(name)}`),
  mark: (name: string, change: { starred?: boolean; board?: string | null }) =>
    ask<Picture>('PATCH', `images/${enc(name)}`, change),
  remove: (name: string) => ask<BinEntry>('DELETE', `images/${enc(name)}`),
  upload: (file: Blob, filename: string, kind: 'upload' | 'mask') => {
    const form = new FormData();
    form.append('kind', kind);
    form.append('file', file, filename);
    return ask<Picture>('POST', 'images', form);
  },
  import_folder: (folder: string) =>
    ask<{ added: number; skipped: number; problems: string[] }>('POST', 'images/import', {
      folder,
    }),

  bin: () => ask<{ entries: BinEntry[]; more: boolean }>('GET', 'bin'),
  restore: (id: string) => ask<Picture>('POST', `bin/${enc(id)}/restore`),
  empty_bin: () => ask<unknown>('DELETE', 'bin'),

  boards: async () => (await ask<{ boards: Board[] }>('GET', 'boards')).boards,
  create_board: (name: string) => ask<Board>('POST', 'boards', { name }),
  rename_board: (id: string, name: string) => ask<Board>('PATCH', `boards/${enc(id)}`, { name }),
  remove_board: (id: string) => ask<unknown>('DELETE', `boards/${enc(id)}`),

  models: async () => (await ask<{ models: Model[] }>('GET', 'models')).models,
  activate: (name: string) => ask<Model>('PUT', 'models/active', { name }),

  parse: (prompt: string, negative_prompt: string, prompt_dialect: string) =>
    ask<{ positive: Reading; negative: Reading }>('POST', 'prompt/parse', {
      prompt,
      negative_prompt,
      prompt_dialect,
    }),
  expand: (prompt: string, count: number) =>
    ask<{ prompts: string[]; total: number }>('POST', 'prompt/expand', { prompt, count }),

  log_in: (credentials: { user: string; password: string } | { token: string }) =>
    ask<unknown>('POST', 'session', credentials),
  log_out: () => ask<unknown>('DELETE', 'session'),
  users: async () => (await ask<{ users: User[] }>('GET', 'users')).users,
  put_user: (name: string, user: { role: Role; password?: string }) =>
    ask<User>('PUT', `users/${enc(name)}`, user),
  remove_user: (name: string) => ask<unknown>('DELETE', `users/${enc(name)}`),
};
