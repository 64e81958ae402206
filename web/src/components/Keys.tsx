import { key_names } from '@/lib/hotkeys';
import styles from './Keys.module.css';

/** A key combination as drawn keys. */
export function Keys({ keys }: { keys: string }) {
  return (
    <span className={styles.keys}>
      {key_names(keys).map((key) => (
        <kbd key={key}>{key}</kbd>
      ))}
    </span>
  );
}
