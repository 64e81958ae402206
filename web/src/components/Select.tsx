import { Check, ChevronDown } from 'lucide-react';
import { Select as Radix } from 'radix-ui';
import { class_names } from '@/lib/class_names';
import styles from './Select.module.css';

export interface Choice {
  value: string;
  label: string;
  note?: string;
}

interface SelectProps {
  id?: string;
  label: string;
  value: string;
  choices: readonly Choice[];
  placeholder?: string;
  disabled?: boolean;
  className?: string;
  onChange(value: string): void;
}

/** A drop-down list. */
export function Select(props: SelectProps) {
  const { id, label, value, choices, placeholder, disabled, className, onChange } = props;
  return (
    <Radix.Root value={value} disabled={disabled} onValueChange={onChange}>
      <Radix.Trigger id={id} className={class_names(styles.trigger, className)} aria-label={label}>
        <span className={styles.value}>
          <Radix.Value placeholder={placeholder}>
            {choices.find((choice) => choice.value === value)?.label}
          </Radix.Value>
        </span>
        <ChevronDown aria-hidden />
      </Radix.Trigger>
      <Radix.Portal>
        <Radix.Content
          className={styles.list}
          position="popper"
          sideOffset={4}
          collisionPadding={8}
        >
          <Radix.Viewport>
            {choices.map((choice) => (
              <Radix.Item key={choice.value} value={choice.value} className={styles.item}>
                <Radix.ItemText>{choice.label}</Radix.ItemText>
                {choice.note && <span className={styles.note}>{choice.note}</span>}
                <Radix.ItemIndicator className={styles.check}>
                  <Check />
                </Radix.ItemIndicator>
              </Radix.Item>
            ))}
          </Radix.Viewport>
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}
