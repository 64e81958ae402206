import { Trash2 } from 'lucide-react';
import { useId, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Button } from '@/components/Button';
import { Dialog } from '@/components/Dialog';
import { Field } from '@/components/Field';
import { Toggle } from '@/components/Toggle';
import { remove_pictures } from '@/state/actions';
import { useDeletion } from '@/state/deletion';
import { usePreferences } from '@/state/preferences';

const close = () => useDeletion.setState({ names: [] });

export function DeleteDialog() {
  const { t } = useTranslation();
  const id = useId();
  const names = useDeletion((state) => state.names);
  const change = usePreferences((state) => state.change);
  const [never, setNever] = useState(false);
  const confirm = () => {
    if (never) change({ confirm_delete: false });
    close();
    void remove_pictures(names);
  };
  return (
    <Dialog
      open={names.length > 0}
      onOpenChange={close}
      title={t('delete.title', { count: names.length })}
      description={t('delete.text', { count: names.length })}
      footer={
        <>
          <Button onClick={close}>{t('common.cancel')}</Button>
          <Button look="destroy" icon={<Trash2 />} onClick={confirm}>
            {t('common.delete')}
          </Button>
        </>
      }
    >
      <Field label={t('delete.never_ask')} htmlFor={id} row>
        <Toggle id={id} label={t('delete.never_ask')} on={never} onChange={setNever} />
      </Field>
    </Dialog>
  );
}
