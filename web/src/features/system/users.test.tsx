import { screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { fake_network, type Asked } from '@testing/network';
import { render_in_page } from '@testing/render';
import { cache } from '@/state/queries';
import { Account } from './Account';
import { Login } from './Login';
import { UsersDialog } from './UsersDialog';

const user = userEvent.setup();
const reload = vi.fn();
beforeEach(() => {
  reload.mockClear();
  vi.stubGlobal('location', { ...window.location, href: 'http://localhost/', reload });
});
afterEach(() => vi.unstubAllGlobals());
const sent = (asked: Asked[], method: string) =>
  asked.filter(({ route }) => route.startsWith(method) && !route.endsWith('settings'));

describe('signing in', () => {
  test('by name and password', async () => {
    const asked = fake_network({ 'POST session': { name: 'ann', role: 'user' } });
    render_in_page(<Login />);
    await user.type(screen.getByLabelText('Name'), 'ann');
    await user.type(screen.getByLabelText('Password'), 'a long secret{Enter}');
    await waitFor(() => expect(reload).toHaveBeenCalled());
    expect(sent(asked, 'POST')).toEqual([
      { route: 'POST session', body: { user: 'ann', password: 'a long secret' } },
    ]);
  });

  test('by token; a wrong one is said', async () => {
    const error = { code: 'unauthorized', message: 'name and password do not fit together' };
    vi.stubGlobal('fetch', async () => new Response(JSON.stringify({ error }), { status: 401 }));
    render_in_page(<Login />);
    await user.click(screen.getByRole('radio', { name: 'Token' }));
    await user.type(screen.getByLabelText('Token', { selector: 'input' }), 'guess{Enter}');
    await screen.findByText('This is not the token of this server.');
    expect(reload).not.toHaveBeenCalled();
  });
});

describe('the account', () => {
  const app = (role: string, users_required = true) => ({
    'GET app': { users_required, user: { name: 'ann', role }, model: null },
  });
  test('is not shown where nobody signs in', async () => {
    const asked = fake_network(app('admin', false));
    const { container } = render_in_page(<Account onUsers={() => undefined} />);
    await waitFor(() => expect(asked).toHaveLength(1));
    expect(container.textContent).toBe('');
  });
  test('offers users to admins only, and the way out', async () => {
    const asked = fake_network({ ...app('user'), 'DELETE session': {} });
    render_in_page(<Account onUsers={() => undefined} />);
    await user.click(await screen.findByRole('button', { name: 'Account: ann' }));
    expect(screen.queryByRole('menuitem', { name: 'Users' })).toBeNull();
    await user.click(screen.getByRole('menuitem', { name: 'Log out ann' }));
    await waitFor(() => expect(reload).toHaveBeenCalled());
    expect(sent(asked, 'DELETE').map(({ route }) => route)).toEqual(['DELETE session']);
  });
});

describe('the users', () => {
  const ann = { name: 'ann', role: 'admin' };
  const bob = { name: 'bob', role: 'user' };
  test('are added, changed and removed', async () => {
    const asked = fake_network({
      'GET users': { users: [ann, bob], more: false },
      'PUT users/bob': bob,
      'PUT users/eve': { name: 'eve', role: 'user' },
      'DELETE users/bob': {},
    });
    render_in_page(<UsersDialog onClose={() => undefined} />);
    const row = (await screen.findByText('bob')).closest('li') as HTMLElement;
    await user.click(within(row).getByRole('radio', { name: 'Admin' }));
    await user.click(within(row).getByRole('button', { name: 'Change the password of bob' }));
    await user.type(within(row).getByLabelText('New password'), 'short{Enter}');
    await user.type(within(row).getByLabelText('New password'), ' no longer{Enter}');
    await user.click(within(row).getByRole('button', { name: 'Remove bob' }));
    await user.click(within(row).getByRole('button', { name: 'Delete' }));
    await user.type(screen.getByLabelText('Name'), 'eve');
    await user.type(screen.getByLabelText('Password'), 'eight or more');
    await user.click(screen.getByRole('button', { name: 'Add' }));
    await waitFor(() => expect(sent(asked, 'PUT')).toHaveLength(3));
    expect([...sent(asked, 'PUT'), ...sent(asked, 'DELETE')]).toEqual([
      { route: 'PUT users/bob', body: { role: 'admin' } },
      { route: 'PUT users/bob', body: { role: 'user', password: 'short no longer' } },
      { route: 'PUT users/eve', body: { role: 'user', password: 'eight or more' } },
      { route: 'DELETE users/bob', body: undefined },
    ]);
  });

  test('the first one is an admin', async () => {
    const asked = fake_network({
      'GET users': { users: [], more: false },
      'PUT users/ann': ann,
    });
    render_in_page(<UsersDialog onClose={() => undefined} />);
    await screen.findByText(/The first one is an admin/);
    await user.type(screen.getByLabelText('Name'), 'ann');
    await user.type(screen.getByLabelText('Password'), 'eight or more{Enter}');
    await waitFor(() =>
      expect(sent(asked, 'PUT')).toEqual([
        { route: 'PUT users/ann', body: { role: 'admin', password: 'eight or more' } },
      ]),
    );
  });

  test('a session that has ended asks who is there', async () => {
    const stale = vi.spyOn(cache, 'invalidateQueries');
    fake_network();
    vi.stubGlobal('fetch', async () => new Response('{}', { status: 401 }));
    render_in_page(<UsersDialog onClose={() => undefined} />);
    await waitFor(() => expect(stale).toHaveBeenCalledWith({ queryKey: ['app'] }));
    stale.mockRestore();
  });
});
