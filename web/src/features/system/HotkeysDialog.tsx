import { RotateCcw } from 'lucide-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Button, IconButton } from '@/components/Button';
import { Dialog } from '@/components/Dialog';
import { Keys } from '@/components/Keys';
import { combination, key_names } from '@/lib/hotkeys';
import { conflicts, hotkey_groups, hotkeys, keys_of, type HotkeyName } from '@/state/hotkeys';
import { usePreferences } from '@/state/preferences';
import styles from './System.module.css';

const names = Object.keys(hotkeys) as HotkeyName[];

/** All hotkeys; each can be changed by pressing other keys. */
export function HotkeysDialog({ onClose }: { onClose(): void }) {
  const { t } = useTranslation();
  const { hotkeys: changed, change } = usePreferences();
  const [recording, setRecording] = useState<HotkeyName | null>(null);
  const reset_all = () => change({ hotkeys: {} });
  return (
    <Dialog
      open
      wide
      onOpenChange={onClose}
      title={t('hotkeys.title')}
      description={t('hotkeys.text')}
      footer={
        <Button disabled={Object.keys(changed).length === 0} onClick={reset_all}>
          {t('hotkeys.reset_all')}
        </Button>
      }
    >
      <div className={styles.hotkeys}>
        {hotkey_groups.map((group) => (
          <section key={group}>
            <h3>{t(`hotkeys.${group}`)}</h3>
            <ul>
              {names
                .filter((name) => hotkeys[name].group === group)
                .map((name) => (
                  <Row
                    key={name}
                    name={name}
                    recording={recording === name}
                    onRecord={(on) => setRecording(on ? name : null)}
                  />
                ))}
            </ul>
          </section>
        ))}
      </div>
    </Dialog>
  );
}

interface RowProps {
  name: HotkeyName;
  recording: boolean;
  onRecord(on: boolean): void;
}

function Row({ name, recording, onRecord }: RowProps) {
  const { t } = useTranslation();
  const { hotkeys: changed, change } = usePreferences();
  const keys = keys_of(name, changed);
  const others = conflicts(name, keys, changed);
  const put = (next: string | null) => {
    const all = { ...changed };
    if (next === null || next === hotkeys[name].keys) delete all[name];
    else all[name] = next;
    change({ hotkeys: all });
  };
  return (
    <li>
      <span>
        {t(`hotkey.${name}`)}
        {others.length > 0 && (
          <small>
            {t('hotkeys.also', { names: others.map((other) => t(`hotkey.${other}`)).join(', ') })}
          </small>
        )}
      </span>
      {changed[name] && (
        <IconButton
          small
          label={t('hotkeys.reset')}
          icon={<RotateCcw />}
          onClick={() => put(null)}
        />
      )}
      <button
        type="button"
        className={styles.record}
        data-recording={recording || undefined}
        onClick={() => onRecord(true)}
        onBlur={() => onRecord(false)}
        onKeyDown={(event) => {
          if (!recording || event.key === 'Tab') return;
          event.preventDefault();
          event.stopPropagation();
          if (event.key === 'Escape') return onRecord(false);
          const next = combination(event.nativeEvent);
          if (!next) return;
          put(next);
          onRecord(false);
        }}
      >
        {/* Not a label of the button: what is seen on it would not be part of that. */}
        <span className="visually-hidden">
          {t('hotkeys.change', { name: t(`hotkey.${name}`), keys: key_names(keys).join('+') })}
        </span>
        <span aria-hidden={!recording}>
          {recording ? t('hotkeys.press') : <Keys keys={keys} />}
        </span>
      </button>
    </li>
  );
}
