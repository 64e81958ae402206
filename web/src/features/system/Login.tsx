import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Button } from '@/components/Button';
import { Field } from '@/components/Field';
import { client } from '@/wire/client';
import styles from './System.module.css';

/** For servers with users. */
export function Login() {
  const { t } = useTranslation();
  const [user, setUser] = useState('');
  const [password, setPassword] = useState('');
  const [problem, setProblem] = useState('');
  const log_in = async () => {
    try {
      await client.log_in(user, password);
      location.reload();
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    }
  };
  return (
    <main className={styles.login}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void log_in();
        }}
      >
        <h1>InvokeAI</h1>
        <Field label={t('login.user')} htmlFor="login-user">
          <input
            id="login-user"
            className={styles.text}
            autoComplete="username"
            value={user}
            onChange={(event) => setUser(event.target.value)}
          />
        </Field>
        <Field label={t('login.password')} htmlFor="login-password">
          <input
            id="login-password"
            type="password"
            className={styles.text}
            autoComplete="current-password"
            value={password}
            onChange={(event) => setPassword(event.target.value)}
          />
        </Field>
        {problem !== '' && (
          <p role="alert" className={styles.problem}>
            {problem}
          </p>
        )}
        <Button type="submit" look="primary">
          {t('login.in')}
        </Button>
      </form>
    </main>
  );
}
