/**
 * Screenshots of every tab: `npx tsx e2e/shots.ts FOLDER [URL]`; without URL against the server of
 * make-believe.
 */

import { mkdirSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { MockServer } from '../testing/mock/server';
import { launch, open_page } from './browser';

const [folder = '/tmp/shots', given] = process.argv.slice(2);
mkdirSync(folder, { recursive: true });

const sizes = {
  wide: { width: 1440, height: 900 },
  phone: { width: 390, height: 844 },
} as const;

let mock: MockServer | undefined;
let url = given;
if (!url) {
  const dist = new URL('../dist', import.meta.url).pathname;
  mock = new MockServer({ pictures: 240, step_milliseconds: 60, dist });
  url = `http://127.0.0.1:${await mock.listen(0)}/`;
}

const browser = await launch();
const prompt = 'a (misty)++ mountain lake at dawn, pines, oil painting, (people)--';

async function preferences(page: Page, values: object): Promise<void> {
  await page.evaluate((wanted) => {
    const key = 'invokeai.preferences';
    const old = JSON.parse(localStorage.getItem(key) ?? '{"state":{},"version":1}') as {
      state: object;
    };
    localStorage.setItem(key, JSON.stringify({ ...old, state: { ...old.state, ...wanted } }));
  }, values);
  await page.reload();
}

/** Image to image with the current picture and a painted mask. */
async function start_image(page: Page): Promise<void> {
  await page.getByRole('toolbar', { name: 'The current picture' }).waitFor();
  await page.keyboard.press('Shift+I');
  const canvas = page.getByLabel(/^Mask\. /);
  await canvas.waitFor();
  const box = await canvas.boundingBox();
  if (!box) return;
  await page.mouse.move(box.x + box.width * 0.3, box.y + box.height * 0.4);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.7, box.y + box.height * 0.35, { steps: 8 });
  await page.mouse.up();
}

async function extras(page: Page, shoot: (what: string) => Promise<void>, wide: boolean) {
  await page.getByRole('toolbar', { name: 'The current picture' }).waitFor();
  await page.keyboard.press('i');
  await shoot('info');
  await page.keyboard.press('i');
  await page.keyboard.press('z');
  await shoot('viewer');
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Settings' }).click();
  await shoot('settings');
  await page.keyboard.press('Escape');
  if (wide) {
    await page.getByRole('button', { name: 'Hotkeys' }).click();
    await shoot('hotkeys');
    await page.keyboard.press('Escape');
    await page.keyboard.press('`');
    await page.getByLabel('Prompt', { exact: true }).fill('a {red|green|blue} {star|moon}');
    await shoot('console');
    await page.getByRole('button', { name: /expands/ }).click();
    await shoot('dynamic');
    await page.keyboard.press('Escape');
    await page.keyboard.press('`');
  }
  await page.getByRole('button', { name: 'X/Y grid' }).click();
  await shoot('grid-dialog');
  await page.getByRole('button', { name: /^Queue 3/ }).click();
  await page.waitForTimeout(5500);
  await preferences(page, { tab: 'queue' });
  await page
    .locator('section li button', { hasText: 'a {red' })
    .first()
    .click()
    .catch(() => undefined);
  await shoot('sheet');
}

for (const [name, size] of Object.entries(sizes)) {
  const { page, problems } = await open_page(browser, url, size, name === 'phone');
  const shoot = async (what: string) => {
    await page.waitForTimeout(500);
    await page.screenshot({ path: `${folder}/${what}-${name}.png` });
  };
  await page.getByLabel('Prompt', { exact: true }).fill(prompt);
  await page.waitForTimeout(800);
  await page.getByRole('button', { name: 'Invoke' }).first().click();
  await page.waitForTimeout(1500);
  await shoot('text-live');
  await page.waitForTimeout(3500);
  for (const theme of ['dark', 'light', 'contrast']) {
    for (const tab of ['text', 'image', 'gallery', 'queue']) {
      if (theme === 'contrast' && tab !== 'text') continue;
      await preferences(page, { theme, tab, open_sections: ['seed', 'variations'] });
      if (tab === 'image' && theme === 'dark') await start_image(page);
      await shoot(`${tab}-${theme}`);
    }
  }
  await preferences(page, {
    theme: 'dark',
    tab: 'text',
    open_sections: ['other', 'symmetry', 'advanced'],
  });
  await extras(page, shoot, name === 'wide');
  if (problems.length > 0) console.log(name, problems);
  await page.context().close();
}
await browser.close();
await mock?.close();
