import { CircleUser, LogOut, Users } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { IconButton } from '@/components/Button';
import { Menu } from '@/components/Menu';
import { sign_out } from '@/state/session';
import { useApp } from '@/state/queries';

/** Who is signed in, at a server that asks for it: users (for admins) and the way out. */
export function Account({ onUsers }: { onUsers(): void }) {
  const { t } = useTranslation();
  const app = useApp().data;
  if (!app?.users_required) return null;
  const name = app.user.name || t('account.token');
  return (
    <Menu
      trigger={<IconButton label={t('account.label', { name })} icon={<CircleUser />} />}
      items={[
        ...(app.user.role === 'admin'
          ? [{ label: t('users.title'), icon: <Users />, run: onUsers }, 'line' as const]
          : []),
        {
          label: t('login.out', { name }),
          icon: <LogOut />,
          run: () => void sign_out(),
        },
      ]}
    />
  );
}
