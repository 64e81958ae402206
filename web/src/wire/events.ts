/** The server's stream of events, reopened for as long as it takes. */

import { address } from './client';
import type { Events } from './types';

export type Handlers = { [Name in keyof Events]: (data: Events[Name]) => void };

// Milliseconds between two attempts.
const first_wait = 500;
const longest_wait = 15_000;

const names: (keyof Events)[] = [
  'hello',
  'job',
  'job_removed',
  'progress',
  'preview',
  'picture',
  'message',
  'queue',
  'gallery',
  'model',
];

/**
 * Opens the stream and keeps it open. `lost` is called once per interruption; each `hello` tells
 * that the stream is there again. The browser itself resumes short interruptions with
 * Last-Event-ID; where it gives up (an error status), a new stream is opened.
 */
export function listen(handlers: Handlers, lost: () => void): { retry(): void; close(): void } {
  let source: EventSource | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let wait = first_wait;
  let ended = false;

  function open(): void {
    clearTimeout(timer);
    source?.close();
    source = new EventSource(address('events'));
    for (const name of names) {
      source.addEventListener(name, (event: MessageEvent<string>) => {
        if (name === 'hello') wait = first_wait;
        (handlers[name] as (data: unknown) => void)(JSON.parse(event.data));
      });
    }
    source.onerror = () => {
      if (ended) return;
      lost();
      if (source?.readyState !== EventSource.CLOSED) return;
      timer = setTimeout(open, wait);
      wait = Math.min(wait * 2, longest_wait);
    };
  }

  open();
  return {
    retry() {
      wait = first_wait;
      open();
    },
    close() {
      ended = true;
      clearTimeout(timer);
      source?.close();
    },
  };
}
