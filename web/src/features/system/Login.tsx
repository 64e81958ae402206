import { useId, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Button } from '@/components/Button';
import { Field } from '@/components/Field';
import { Segments } from '@/components/Toggle';
import { sign_in } from '@/state/session';
import { ServerError } from '@/wire/client';
import styles from './System.module.css';

type Way = 'user' | 'token';

/** For servers that ask who is there: by name and password, or by the server's token. */
export function Login() {
  const { t } = useTranslation();
  const [way, setWay] = useState<Way>('user');
  const [user, setUser] = useState('');
  const [secret, setSecret] = useState('');
  const [problem, setProblem] = useState('');
  const [busy, setBusy] = useState(false);
  const ready = secret !== '' && (way === 'token' || user !== '') && !busy;
  const log_in = async () => {
    setBusy(true);
    try {
      await sign_in(way === 'user' ? { user, password: secret } : { token: secret });
    } catch (error) {
      const wrong = error instanceof ServerError && error.status === 401;
      setProblem(wrong ? t(`login.wrong_${way}`) : String((error as Error).message));
    }
    setBusy(false);
  };
  return (
    <main className={styles.login}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (ready) void log_in();
        }}
      >
        <h1>InvokeAI</h1>
        <Segments<Way>
          label={t('login.way')}
          value={way}
          choices={[
            { value: 'user', label: t('login.by_user') },
            { value: 'token', label: t('login.by_token') },
          ]}
          onChange={(next) => {
            setWay(next);
            setSecret('');
            setProblem('');
          }}
        />
        {way === 'user' && (
          <TextField label={t('login.user')} autoComplete="username" value={user} put={setUser} />
        )}
        <TextField
          key={way}
          label={t(way === 'user' ? 'login.password' : 'login.token')}
          help={way === 'token' ? t('login.token_help') : undefined}
          type="password"
          autoComplete={way === 'user' ? 'current-password' : 'off'}
          value={secret}
          put={setSecret}
        />
        {problem !== '' && (
          <p role="alert" className={styles.problem}>
            {problem}
          </p>
        )}
        <Button type="submit" look="primary" disabled={!ready}>
          {t('login.in')}
        </Button>
      </form>
    </main>
  );
}

interface TextFieldProps {
  label: string;
  help?: string;
  type?: 'text' | 'password';
  autoComplete: string;
  value: string;
  put(text: string): void;
}

function TextField({ label, help, type, autoComplete, value, put }: TextFieldProps) {
  const id = useId();
  return (
    <Field label={label} htmlFor={id} help={help}>
      <input
        id={id}
        type={type}
        className={styles.text}
        autoComplete={autoComplete}
        value={value}
        onChange={(event) => put(event.target.value)}
      />
    </Field>
  );
}
