import { useQuery } from '@tanstack/react-query';
import { KeyRound, Trash2, UserPlus } from 'lucide-react';
import { useId, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Button, IconButton } from '@/components/Button';
import { Dialog } from '@/components/Dialog';
import { Field } from '@/components/Field';
import { Segments } from '@/components/Toggle';
import { attempt } from '@/state/actions';
import { notify } from '@/state/notices';
import { cache, useApp } from '@/state/queries';
import { client } from '@/wire/client';
import type { Role, User } from '@/wire/types';
import styles from './System.module.css';

const shortest_password = 8; // bytes, as the server wants it
const roles = ['user', 'admin'] as const;
const no_users: User[] = [];

/** Changes at the server, told, and then the list as it is. True if it was done. */
async function change(work: () => Promise<unknown>, told: string): Promise<boolean> {
  const done = await attempt(async () => {
    await work();
    return true;
  });
  if (done) notify('success', told);
  await cache.invalidateQueries({ queryKey: ['users'] });
  return done ?? false;
}

/** Who may use this server (admins only): names, roles, passwords. */
export function UsersDialog({ onClose }: { onClose(): void }) {
  const { t } = useTranslation();
  const users = useQuery({ queryKey: ['users'], queryFn: client.users, gcTime: 0 });
  const [selected, setSelected] = useState<string | null>(null);
  const list = users.data ?? no_users;
  return (
    <Dialog
      open
      onOpenChange={onClose}
      title={t('users.title')}
      description={t(list.length === 0 ? 'users.first' : 'users.text')}
    >
      {users.error && <p role="alert">{users.error.message}</p>}
      <ul className={styles.users}>
        {list.map((user) => (
          <UserRow
            key={user.name}
            user={user}
            open={selected === user.name}
            onOpen={(open) => setSelected(open ? user.name : null)}
          />
        ))}
      </ul>
      <NewUser first={list.length === 0} />
    </Dialog>
  );
}

function RoleChoice({ value, onChange }: { value: Role; onChange(role: Role): void }) {
  const { t } = useTranslation();
  return (
    <Segments<Role>
      label={t('users.role')}
      value={value}
      choices={roles.map((role) => ({ value: role, label: t(`users.${role}`) }))}
      onChange={onChange}
    />
  );
}

interface UserRowProps {
  user: User;
  /** Its password is being changed. */
  open: boolean;
  onOpen(open: boolean): void;
}

function UserRow({ user, open, onOpen }: UserRowProps) {
  const { t } = useTranslation();
  const me = useApp().data?.user.name === user.name;
  const [sure, setSure] = useState(false);
  const told = t('users.changed', { name: user.name });
  return (
    <li>
      <div className={styles.user}>
        <span>
          {user.name}
          {me && <small>{t('users.you')}</small>}
        </span>
        <RoleChoice
          value={user.role}
          onChange={(role) => void change(() => client.put_user(user.name, { role }), told)}
        />
        <IconButton
          label={t('users.new_password', { name: user.name })}
          icon={<KeyRound />}
          pressed={open}
          onClick={() => onOpen(!open)}
        />
        <IconButton
          look="danger"
          label={t('users.remove', { name: user.name })}
          icon={<Trash2 />}
          pressed={sure}
          onClick={() => setSure(!sure)}
        />
      </div>
      {sure && (
        <div className={styles.sure}>
          <p>{t('users.sure', { name: user.name })}</p>
          <Button small onClick={() => setSure(false)}>
            {t('common.cancel')}
          </Button>
          <Button
            small
            look="danger"
            onClick={() =>
              void change(
                () => client.remove_user(user.name),
                t('users.removed', { name: user.name }),
              )
            }
          >
            {t('common.delete')}
          </Button>
        </div>
      )}
      {open && (
        <PasswordForm
          onPassword={async (password) => {
            const put = () => client.put_user(user.name, { role: user.role, password });
            if (await change(put, told)) onOpen(false);
          }}
        />
      )}
    </li>
  );
}

function PasswordForm({ onPassword }: { onPassword(password: string): Promise<void> }) {
  const { t } = useTranslation();
  const id = useId();
  const [password, setPassword] = useState('');
  return (
    <form
      className={styles.inline}
      onSubmit={(event) => {
        event.preventDefault();
        if (password.length >= shortest_password) void onPassword(password);
      }}
    >
      <input
        id={id}
        data-focus
        type="password"
        className={styles.text}
        autoComplete="new-password"
        aria-label={t('users.password')}
        placeholder={t('users.password_placeholder', { count: shortest_password })}
        value={password}
        onChange={(event) => setPassword(event.target.value)}
      />
      <Button type="submit" disabled={password.length < shortest_password}>
        {t('common.save')}
      </Button>
    </form>
  );
}

function NewUser({ first }: { first: boolean }) {
  const { t } = useTranslation();
  const [name_id, password_id] = [useId(), useId()];
  const [name, setName] = useState('');
  const [password, setPassword] = useState('');
  const [chosen, setRole] = useState<Role>('user');
  const role = first ? 'admin' : chosen; // the server wants the first one to be an admin
  const ready = name.trim() !== '' && password.length >= shortest_password;
  const add = async () => {
    const put = () => client.put_user(name.trim(), { password, role });
    if (!(await change(put, t('users.added', { name: name.trim() })))) return;
    setName('');
    setPassword('');
  };
  return (
    <form
      className={styles.part}
      onSubmit={(event) => {
        event.preventDefault();
        if (ready) void add();
      }}
    >
      <h3>{t('users.new')}</h3>
      <Field label={t('login.user')} htmlFor={name_id}>
        <input
          id={name_id}
          className={styles.text}
          autoComplete="off"
          maxLength={64}
          value={name}
          onChange={(event) => setName(event.target.value)}
        />
      </Field>
      <Field label={t('login.password')} htmlFor={password_id}>
        <input
          id={password_id}
          type="password"
          className={styles.text}
          autoComplete="new-password"
          placeholder={t('users.password_placeholder', { count: shortest_password })}
          value={password}
          onChange={(event) => setPassword(event.target.value)}
        />
      </Field>
      <Field label={t('users.role')} row>
        <RoleChoice value={role} onChange={setRole} />
      </Field>
      <Button type="submit" look="primary" icon={<UserPlus />} disabled={!ready}>
        {t('users.add')}
      </Button>
    </form>
  );
}
