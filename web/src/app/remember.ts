/** The user's preferences at the server, so that every browser of theirs has them. */

import { client } from '@/wire/client';
import { log } from '@/state/notices';
import { travelling_preferences, usePreferences, type Preferences } from '@/state/preferences';

const pause = 1000; // milliseconds without a change until they are sent
const place = 'web_preferences';

/** Takes over what the server remembers, then sends each change. */
export function start_remembering(): void {
  let known = '';
  let others: Record<string, unknown> = {};
  let timer: ReturnType<typeof setTimeout> | undefined;

  const send = async () => {
    const mine = travelling_preferences(usePreferences.getState());
    const text = JSON.stringify(mine);
    if (text === known) return;
    try {
      await client.store_settings({ ...others, [place]: mine });
      known = text;
    } catch (error) {
      log('warning', String(error)); // they stay in this browser
    }
  };
  const watch = () =>
    usePreferences.subscribe(() => {
      clearTimeout(timer);
      timer = setTimeout(() => void send(), pause);
    });

  client
    .settings()
    .then((all) => {
      others = all;
      const theirs = all[place];
      if (theirs && typeof theirs === 'object') {
        usePreferences.getState().change(theirs as Partial<Preferences>);
      }
      known = JSON.stringify(travelling_preferences(usePreferences.getState()));
    })
    .catch(() => undefined) // offline or not logged in: this browser's own hold
    .finally(watch);
}
