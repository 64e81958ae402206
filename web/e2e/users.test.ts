/** A server that asks who is there: signing in, users, signing out. */

import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { serious } from './axe';
import { find_program } from './server';
import { use_studio } from './studio';

const program = find_program();
const token = 'a-token-for-this-test';
const secret = { ann: 'a long password', bob: 'another password' };

describe.skipIf(!program)('a server with a token and users', () => {
  const studio = use_studio(program ?? '', { switches: ['--token', token] });
  let page: Page;
  beforeAll(() => ({ page } = studio));

  const sign_in_as = async (name: 'ann' | 'bob') => {
    await page.getByLabel('Name', { exact: true }).fill(name);
    await page.getByLabel('Password', { exact: true }).fill(secret[name]);
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.getByRole('button', { name: `Account: ${name}` }).waitFor();
  };
  const menu = async (account: string, entry: string) => {
    await page.getByRole('button', { name: `Account: ${account}` }).click();
    await page.getByRole('menuitem', { name: entry }).click();
  };
  const row = (name: string) => page.getByRole('dialog').locator('li', { hasText: name });

  test('nothing is shown before the sign-in; a wrong token is said', async () => {
    await page.getByRole('radio', { name: 'Token' }).click();
    expect(await page.getByRole('navigation').count()).toBe(0);
    expect(await serious(page, 'sign-in')).toEqual([]);
    await page.locator('input[type=password]').fill('guessed');
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.getByText('This is not the token of this server.').waitFor();
    await page.locator('input[type=password]').fill(token);
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.getByRole('button', { name: 'Account: admin by token' }).waitFor();
    await page.getByRole('navigation', { name: 'Work areas' }).waitFor();
  });

  test('an admin makes users, the first one an admin', async () => {
    await menu('admin by token', 'Users');
    for (const name of ['ann', 'bob'] as const) {
      await page.getByLabel('Name', { exact: true }).fill(name);
      await page.getByLabel('Password', { exact: true }).fill(secret[name]);
      await page.getByRole('button', { name: 'Add' }).click();
      await row(name).waitFor();
    }
    const role = (name: string) => row(name).getByRole('radio', { checked: true }).textContent();
    expect([await role('ann'), await role('bob')]).toEqual(['Admin', 'User']);
    expect(await serious(page, 'users')).toEqual([]);
    // The last admin stays one: the server says it.
    await row('ann').getByRole('radio', { name: 'User' }).click();
    await page
      .getByText(/last admin/)
      .first()
      .waitFor();
    expect(await role('ann')).toBe('Admin');
    await page.keyboard.press('Escape');
    await menu('admin by token', 'Log out admin by token');
    await page.getByLabel('Name', { exact: true }).waitFor();
  });

  test('a user draws, but has no list of users', async () => {
    await sign_in_as('bob');
    await page.getByRole('button', { name: 'Account: bob' }).click();
    expect(await page.getByRole('menuitem', { name: 'Users' }).count()).toBe(0);
    await page.keyboard.press('Escape');
    await studio.prompt().fill('a red star');
    await studio.set_number('Steps', '2');
    await studio.invoke();
    await studio.thumbs().first().waitFor();
    await menu('bob', 'Log out bob');
  });

  test('passwords change, and users go', async () => {
    await page.getByLabel('Name', { exact: true }).waitFor();
    await sign_in_as('ann');
    await menu('ann', 'Users');
    await row('bob').getByRole('button', { name: 'Change the password of bob' }).click();
    secret.bob = 'a third password';
    await row('bob').getByLabel('New password').fill(secret.bob);
    await row('bob').getByRole('button', { name: 'Save' }).click();
    await page.getByText('bob is changed.').first().waitFor();
    await row('bob').getByRole('button', { name: 'Remove bob' }).click();
    await row('bob').getByRole('button', { name: 'Delete' }).click();
    await row('bob').waitFor({ state: 'hidden' });
    await page.keyboard.press('Escape');
    await menu('ann', 'Log out ann');
    await page.getByLabel('Name', { exact: true }).fill('bob');
    await page.getByLabel('Password', { exact: true }).fill(secret.bob);
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.getByText('Name and password do not fit together.').waitFor();
  });

  test('a session that ends elsewhere leads back to the sign-in', async () => {
    await page.reload();
    await sign_in_as('ann');
    await page.context().clearCookies();
    await studio.prompt().fill('a red star');
    await studio.invoke();
    await page.getByRole('button', { name: 'Log in' }).waitFor();
    expect(await page.getByRole('navigation').count()).toBe(0);
  });
});
