/** X/Y grids: which jobs belong to which sheet, and the pictures they gave. */

import { create } from 'zustand';
import { persist } from 'zustand/middleware';
import type { AxisValue } from '@/lib/axis';

export interface Axis {
  name: string; // a setting's, or `prompt`
  values: AxisValue[];
}

export interface Sheet {
  id: string;
  created: number;
  prompt: string;
  x: Axis;
  y: Axis | null;
  /** Job ids and, once drawn, names of pictures; row by row. */
  jobs: string[];
  pictures: (string | null)[];
}

const most_sheets = 50;

interface Store {
  sheets: Sheet[];
  add(sheet: Sheet): void;
  remove(id: string): void;
}

export const useSheets = create<Store>()(
  persist(
    (set) => ({
      sheets: [],
      add: (sheet) => set((old) => ({ sheets: [sheet, ...old.sheets].slice(0, most_sheets) })),
      remove: (id) => set((old) => ({ sheets: old.sheets.filter((sheet) => sheet.id !== id) })),
    }),
    { name: 'invokeai.sheets', version: 1 },
  ),
);

/** A job has given a picture: its place on a sheet, if it has one, shows it. */
export function put_on_sheet(job: string, picture: string): void {
  const { sheets } = useSheets.getState();
  if (!sheets.some((sheet) => sheet.jobs.includes(job))) return;
  useSheets.setState({
    sheets: sheets.map((sheet) => {
      const place = sheet.jobs.indexOf(job);
      if (place < 0 || sheet.pictures[place]) return sheet;
      return { ...sheet, pictures: sheet.pictures.with(place, picture) };
    }),
  });
}
