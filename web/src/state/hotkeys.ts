/** The table of hotkeys, changeable by the user, and the one listener that serves them all. */

import { useEffect, useRef } from 'react';
import { combination, keeps_key } from '@/lib/hotkeys';
import { usePreferences } from './preferences';

export const hotkeys = {
  invoke: { group: 'app', keys: 'Mod+Enter' },
  cancel: { group: 'app', keys: 'Shift+X' },
  focus_prompt: { group: 'app', keys: 'Alt+A' },
  toggle_parameters: { group: 'app', keys: 'O' },
  toggle_gallery: { group: 'app', keys: 'G' },
  toggle_panels: { group: 'app', keys: 'F' },
  pin_parameters: { group: 'app', keys: 'Shift+O' },
  pin_gallery: { group: 'app', keys: 'Shift+G' },
  toggle_console: { group: 'app', keys: '`' },
  tab_text: { group: 'app', keys: '1' },
  tab_image: { group: 'app', keys: '2' },
  tab_gallery: { group: 'app', keys: '3' },
  tab_queue: { group: 'app', keys: '4' },
  close_panels: { group: 'app', keys: 'Escape' },
  show_hotkeys: { group: 'app', keys: '?' },
  pause_queue: { group: 'app', keys: 'Shift+Q' },
  use_prompt: { group: 'picture', keys: 'P' },
  use_seed: { group: 'picture', keys: 'S' },
  use_all: { group: 'picture', keys: 'A' },
  info: { group: 'picture', keys: 'I' },
  send_to_image: { group: 'picture', keys: 'Shift+I' },
  delete: { group: 'picture', keys: 'Delete' },
  star: { group: 'picture', keys: '.' },
  viewer: { group: 'picture', keys: 'Z' },
  previous: { group: 'gallery', keys: 'ArrowLeft' },
  next: { group: 'gallery', keys: 'ArrowRight' },
  larger: { group: 'gallery', keys: 'Shift+ArrowUp' },
  smaller: { group: 'gallery', keys: 'Shift+ArrowDown' },
  search: { group: 'gallery', keys: '/' },
  mask_brush: { group: 'mask', keys: 'B' },
  mask_eraser: { group: 'mask', keys: 'E' },
  mask_move: { group: 'mask', keys: 'V' },
  mask_smaller: { group: 'mask', keys: '[' },
  mask_larger: { group: 'mask', keys: ']' },
  mask_clear: { group: 'mask', keys: 'Shift+C' },
  mask_undo: { group: 'mask', keys: 'Mod+Z' },
  mask_redo: { group: 'mask', keys: 'Mod+Shift+Z' },
  mask_zoom_in: { group: 'mask', keys: '+' },
  mask_zoom_out: { group: 'mask', keys: '-' },
  mask_fit: { group: 'mask', keys: '0' },
} as const satisfies Record<string, { group: string; keys: string }>;

export type HotkeyName = keyof typeof hotkeys;
export const hotkey_groups = ['app', 'picture', 'gallery', 'mask'] as const;

export function keys_of(name: HotkeyName, changed: Record<string, string>): string {
  return changed[name] ?? hotkeys[name].keys;
}

/** Other hotkeys that use the same keys. */
export function conflicts(name: HotkeyName, keys: string, changed: Record<string, string>) {
  return (Object.keys(hotkeys) as HotkeyName[]).filter(
    (other) => other !== name && keys_of(other, changed) === keys,
  );
}

type Handler = () => void;
const handlers = new Map<HotkeyName, Handler[]>();

/** Menus and dialogs keep the keys for themselves. */
export function is_covered(): boolean {
  return (
    document.querySelector('[role="dialog"]:not([data-keys]), [role="menu"], [role="listbox"]') !==
    null
  );
}

function press(event: KeyboardEvent): void {
  const keys = combination(event);
  if (!keys || event.defaultPrevented) return;
  const changed = usePreferences.getState().hotkeys;
  const found = (Object.keys(hotkeys) as HotkeyName[]).filter(
    (name) => keys_of(name, changed) === keys && handlers.has(name),
  );
  const name = found.at(-1);
  if (!name || (keeps_key(event.target, event.key) && name !== 'invoke') || is_covered()) return;
  const handler = handlers.get(name)?.at(-1);
  if (!handler) return;
  event.preventDefault();
  handler();
}

/** Listens for as long as the page lives; called once. */
export function start_hotkeys(): () => void {
  document.addEventListener('keydown', press);
  return () => document.removeEventListener('keydown', press);
}

/** While the component is there, its handlers answer; the latest component has precedence. */
export function useHotkeys(table: Partial<Record<HotkeyName, Handler>>): void {
  const latest = useRef(table);
  useEffect(() => {
    latest.current = table;
  });
  const names = Object.keys(table).join(' ');
  useEffect(() => {
    const mine = names.split(' ').filter(Boolean) as HotkeyName[];
    const entries = mine.map((name) => [name, () => latest.current[name]?.()] as const);
    for (const [name, handler] of entries) {
      handlers.set(name, [...(handlers.get(name) ?? []), handler]);
    }
    return () => {
      for (const [name, handler] of entries) {
        const rest = (handlers.get(name) ?? []).filter((other) => other !== handler);
        if (rest.length > 0) handlers.set(name, rest);
        else handlers.delete(name);
      }
    };
  }, [names]);
}
