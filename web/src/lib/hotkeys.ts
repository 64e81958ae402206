/** Key combinations as text (`Shift+G`, `Mod+Enter`); Mod is Ctrl, or Command on a Mac. */

export const on_mac =
  typeof navigator !== 'undefined' && /Mac|iPhone|iPad/.test(navigator.userAgent);

const bare = new Set(['Shift', 'Control', 'Alt', 'Meta', 'AltGraph', 'Dead']);

/** The combination of a key press, or null while only modifiers are held. */
export function combination(event: {
  key: string;
  ctrlKey: boolean;
  metaKey: boolean;
  altKey: boolean;
  shiftKey: boolean;
  code?: string;
}): string | null {
  if (bare.has(event.key) || event.key === '') return null;
  // Alt with a letter gives other characters on some keyboards: the key itself is meant.
  const letter = event.altKey && /^Key([A-Z])$/.exec(event.code ?? '')?.[1];
  let key = letter || (event.key === ' ' ? 'Space' : event.key);
  if (key.length === 1) key = key.toUpperCase();
  const parts: string[] = [];
  if (on_mac ? event.metaKey : event.ctrlKey) parts.push('Mod');
  if (on_mac && event.ctrlKey) parts.push('Ctrl');
  if (event.altKey) parts.push('Alt');
  // Signs such as ? are made with Shift: there it belongs to the sign.
  if (event.shiftKey && (key.length > 1 || /[A-Z0-9]/.test(key))) parts.push('Shift');
  return [...parts, key].join('+');
}

/** The combination as it is printed on keys. */
export function key_names(combo: string): string[] {
  const names: Record<string, string> = {
    Mod: on_mac ? '⌘' : 'Ctrl',
    ArrowLeft: '←',
    ArrowRight: '→',
    ArrowUp: '↑',
    ArrowDown: '↓',
    Delete: 'Del',
    Escape: 'Esc',
    Alt: on_mac ? '⌥' : 'Alt',
  };
  // The last sign may be a plus itself.
  return combo.split(/\+(?=.)/).map((part) => names[part] ?? part);
}

/** Only fields that take text keep keys for themselves; switches and sliders do not. */
export function takes_text(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable || target instanceof HTMLTextAreaElement) return true;
  if (!(target instanceof HTMLInputElement)) return false;
  return !['checkbox', 'radio', 'range', 'button', 'submit', 'color', 'file'].includes(target.type);
}

/** Whether a key is the element's own: text for fields, arrows for the browser's own sliders. */
export function keeps_key(target: EventTarget | null, key: string): boolean {
  if (takes_text(target)) return true;
  const slides = target instanceof HTMLInputElement && ['range', 'radio'].includes(target.type);
  return slides && key.startsWith('Arrow');
}
