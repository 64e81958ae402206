/** A network of make-believe for unit tests: answers by method and path, and what was asked. */

import { vi } from 'vitest';
import { cache } from '../src/state/queries';
import { settings } from './mock/settings';

type Answer = unknown | ((body: unknown) => unknown);

const usual: Record<string, Answer> = {
  'GET app': { version: '2.3.0', features: {}, samplers: [], model: null, user: { role: 'admin' } },
  'GET settings/schema': { settings },
  'GET presets': { presets: [] },
  'GET queue': { paused: false, waiting: 0, running: null },
  'GET jobs': { jobs: [], more: false },
  'GET jobs/waiting': { jobs: [] },
};

export interface Asked {
  route: string;
  body: unknown;
}

/** Puts the network in place. Routes without an answer are 404, as at the server. */
export function fake_network(answers: Record<string, Answer> = {}): Asked[] {
  const asked: Asked[] = [];
  cache.clear();
  vi.stubGlobal('fetch', async (address: string, request: RequestInit = {}) => {
    const path = new URL(address).pathname.replace(/^.*\/api\/v1\//, '');
    const route = `${request.method ?? 'GET'} ${path}`;
    const body: unknown = typeof request.body === 'string' ? JSON.parse(request.body) : undefined;
    asked.push({ route, body });
    const answer = { ...usual, ...answers }[route];
    if (answer === undefined) {
      const error = { code: 'not_found', message: `there is no ${path}` };
      return new Response(JSON.stringify({ error }), { status: 404 });
    }
    const value =
      typeof answer === 'function' ? (answer as (body: unknown) => unknown)(body) : answer;
    return new Response(JSON.stringify(value), { status: 200 });
  });
  return asked;
}

/** A stream of events whose events a test sends itself. */
export class FakeEventSource extends EventTarget {
  static readonly CLOSED = 2;
  static opened: FakeEventSource[] = [];
  readyState = 1;
  onerror: (() => void) | null = null;

  constructor(readonly url: string) {
    super();
    FakeEventSource.opened.push(this);
  }

  send(name: string, data: unknown): void {
    this.dispatchEvent(new MessageEvent(name, { data: JSON.stringify(data) }));
  }

  /** The connection breaks; `closed` as after an error status, when the browser gives up. */
  fail(closed: boolean): void {
    if (closed) this.readyState = FakeEventSource.CLOSED;
    this.onerror?.();
  }

  close(): void {
    this.readyState = FakeEventSource.CLOSED;
  }
}
