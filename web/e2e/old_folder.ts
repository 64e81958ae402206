/** An outputs folder as the web server of InvokeAI 2.3.0 left it: its names, folders and metadata. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { paint, with_texts } from '../testing/mock/png';

export const old_prompt = 'two foxes in the snow';

interface Old {
  name: string;
  prompt: string;
  seed: number;
}

const olds: Old[] = [
  { name: '000075.85b16874.2642857669.png', prompt: old_prompt, seed: 2642857669 },
  { name: '000076.1f4c2d9e.7.png', prompt: 'a castle by the sea', seed: 7 },
];

/** The two texts that 2.3.0 wrote: the command, and the object of its web server. */
function texts({ prompt, seed }: Old): Record<string, string> {
  const image = {
    type: 'txt2img',
    prompt: [{ prompt: `${prompt} [blurry]`, weight: 1 }],
    ...{ steps: 12, cfg_scale: 7.5, threshold: 0, perlin: 0, width: 128, height: 128 },
    ...{ seed, seamless: false, hires_fix: false, postprocessing: null },
    ...{ sampler: 'k_lms', variations: [] },
  };
  const metadata = {
    model: 'stable diffusion',
    model_weights: 'sd-1.5',
    model_hash: 'cc6cb27103417325ff94f52b7a5d2dde45a7515b25c255d8e396c90014281516',
    app_id: 'invoke-ai/InvokeAI',
    app_version: '2.3.0',
    image,
  };
  return {
    Dream: `"${prompt} [blurry]" -s 12 -S ${seed} -W 128 -H 128 -C 7.5 -A k_lms`,
    'sd-metadata': JSON.stringify(metadata),
  };
}

/** Makes it, with the other folders of the original beside the pictures; the pictures' names. */
export function make_old_folder(folder: string): string[] {
  for (const part of ['thumbnails', 'intermediates', 'init-images', 'temp-images']) {
    mkdirSync(join(folder, part), { recursive: true });
  }
  for (const old of olds) {
    writeFileSync(join(folder, old.name), with_texts(paint(old.seed, 128, 128), texts(old)));
  }
  writeFileSync(join(folder, 'dream_log.txt'), olds.map((old) => texts(old).Dream).join('\n'));
  return olds.map(({ name }) => name);
}
