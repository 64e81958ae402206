import { Bug, CircleHelp, Code, MessagesSquare } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { IconButton } from '@/components/Button';
import { Menu } from '@/components/Menu';

const project = 'https://github.com/invoke-ai/InvokeAI';
const community = 'https://discord.gg/ZmtBAhwWhy';

/** Where to ask, to report and to read on; these pages open beside this one. */
export function Help() {
  const { t } = useTranslation();
  const visit = (address: string) => () => void window.open(address, '_blank', 'noopener');
  return (
    <Menu
      trigger={<IconButton label={t('help.title')} icon={<CircleHelp />} />}
      items={[
        { label: t('help.bug'), icon: <Bug />, run: visit(`${project}/issues`) },
        { label: t('help.source'), icon: <Code />, run: visit(project) },
        { label: t('help.community'), icon: <MessagesSquare />, run: visit(community) },
      ]}
    />
  );
}
