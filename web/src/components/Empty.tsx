import type { ReactNode } from 'react';
import styles from './Empty.module.css';

/** Said where there is nothing yet, and what to do about it. */
export function Empty({
  icon,
  title,
  children,
}: {
  icon: ReactNode;
  title: string;
  children?: ReactNode;
}) {
  return (
    <div className={styles.empty}>
      {icon}
      <p className={styles.title}>{title}</p>
      {children}
    </div>
  );
}
