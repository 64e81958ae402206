/** What the user likes: kept in this browser and, through the server, in all of theirs. */

import { create } from 'zustand';
import { persist } from 'zustand/middleware';
import { preferred_language, type Language } from '@/lib/i18n';

export type Theme = 'dark' | 'light' | 'contrast';
export type TabName = 'text' | 'image' | 'gallery' | 'queue';

export interface Preferences {
  theme: Theme;
  language: Language;
  tab: TabName;
  show_parameters: boolean;
  show_gallery: boolean;
  /** Pinned panels stand beside the work area, others float over it and close by themselves. */
  pin_parameters: boolean;
  pin_gallery: boolean;
  gallery_width: number;
  thumbnail_size: number;
  whole_thumbnails: boolean;
  single_column: boolean;
  follow_results: boolean;
  confirm_delete: boolean;
  show_help: boolean;
  sliders: boolean;
  preview_every: number;
  full_previews: boolean;
  /** For developers: what a job was asked with is shown when it is handed in. */
  show_sent: boolean;
  open_sections: string[];
  hotkeys: Record<string, string>;
  guide_done: boolean;
  show_console: boolean;
  follow_console: boolean;
  console_height: number;
}

export const thumbnail_sizes = { low: 32, high: 256 };
export const gallery_widths = { low: 220, high: 640 };
export const console_heights = { low: 96, high: 640 };

export const first_preferences = (): Preferences => ({
  theme: 'dark',
  language: preferred_language(navigator.languages),
  tab: 'text',
  show_parameters: true,
  show_gallery: true,
  pin_parameters: true,
  pin_gallery: true,
  gallery_width: 300,
  thumbnail_size: 96,
  whole_thumbnails: false,
  single_column: false,
  follow_results: true,
  confirm_delete: true,
  show_help: true,
  sliders: true,
  preview_every: 1,
  full_previews: false,
  show_sent: false,
  open_sections: ['seed'],
  hotkeys: {},
  guide_done: false,
  show_console: false,
  follow_console: true,
  console_height: 192,
});

interface Store extends Preferences {
  change(values: Partial<Preferences>): void;
  toggle_section(name: string): void;
}

export const usePreferences = create<Store>()(
  persist(
    (set) => ({
      ...first_preferences(),
      change: (values) => set(values),
      toggle_section: (name) =>
        set((old) => ({
          open_sections: old.open_sections.includes(name)
            ? old.open_sections.filter((open) => open !== name)
            : [...old.open_sections, name],
        })),
    }),
    { name: 'invokeai.preferences', version: 1 },
  ),
);

/** Those worth having in every browser of the user; the layout stays with the screen. */
const travelling = [
  'theme',
  'language',
  'follow_results',
  'confirm_delete',
  'show_help',
  'sliders',
  'preview_every',
  'full_previews',
  'hotkeys',
  'guide_done',
] as const satisfies readonly (keyof Preferences)[];

export function travelling_preferences(all: Preferences): Partial<Preferences> {
  return Object.fromEntries(travelling.map((name) => [name, all[name]]));
}
