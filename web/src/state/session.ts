/** Signing in and out. The page begins anew with what the other user may see. */

import { client } from '@/wire/client';
import { attempt } from './actions';

export async function sign_in(credentials: Parameters<typeof client.log_in>[0]): Promise<void> {
  await client.log_in(credentials);
  location.reload();
}

export async function sign_out(): Promise<void> {
  await attempt(client.log_out);
  location.reload();
}
