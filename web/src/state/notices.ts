/** Short messages (toasts) and the console, which keeps the latest of everything. */

import { create } from 'zustand';

export type Level = 'info' | 'success' | 'warning' | 'error';

export interface Notice {
  id: number;
  time: number;
  level: Level;
  text: string;
  action?: { label: string; run: () => void };
}

const longest_log = 500;
let last_id = 0;

interface Store {
  toasts: Notice[];
  log: Notice[];
  unseen_error: boolean;
  close(id: number): void;
  seen(): void;
  clear(): void;
}

export const useNotices = create<Store>((set) => ({
  toasts: [],
  log: [],
  unseen_error: false,
  close: (id) => set((old) => ({ toasts: old.toasts.filter((toast) => toast.id !== id) })),
  seen: () => set({ unseen_error: false }),
  clear: () => set({ log: [], unseen_error: false }),
}));

/** A line for the console only. */
export function log(level: Level, text: string): Notice {
  const notice: Notice = { id: ++last_id, time: Date.now(), level, text };
  useNotices.setState((old) => ({
    log: [...old.log, notice].slice(-longest_log),
    unseen_error: old.unseen_error || level === 'error',
  }));
  return notice;
}

/** A toast, which the console keeps. */
export function notify(level: Level, text: string, action?: Notice['action']): void {
  const notice = { ...log(level, text), action };
  useNotices.setState((old) => ({ toasts: [...old.toasts.slice(-3), notice] }));
}

export function notify_error(error: unknown): void {
  notify('error', error instanceof Error ? error.message : String(error));
}
