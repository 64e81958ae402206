import { Pin, PinOff } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { IconButton } from '@/components/Button';
import { side_by_side, useMedia } from '@/components/media';
import { keys_of } from '@/state/hotkeys';
import { usePreferences } from '@/state/preferences';

/** Keeps a panel open beside the work area, or lets it float. Phones have one column and no choice. */
export function PinButton({ name }: { name: 'pin_parameters' | 'pin_gallery' }) {
  const { t } = useTranslation();
  const { hotkeys, change, ...preferences } = usePreferences();
  const wide = useMedia(side_by_side);
  const pinned = preferences[name];
  if (!wide) return null;
  return (
    <IconButton
      label={t(`hotkey.${name}`)}
      keys={keys_of(name, hotkeys)}
      icon={pinned ? <Pin /> : <PinOff />}
      pressed={pinned}
      onClick={() => change({ [name]: !pinned })}
    />
  );
}
