import { Copy, CornerUpLeft, X } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { Button, IconButton } from '@/components/Button';
import { moment } from '@/lib/format';
import { attempt, copy_text, use_all, use_value } from '@/state/actions';
import { recalled_prompts } from '@/state/parameters';
import { useApp, useModels, usePicture } from '@/state/queries';
import { useSelection } from '@/state/selection';
import { client, picture_address } from '@/wire/client';
import type { PictureDetails, Value } from '@/wire/types';
import styles from './Info.module.css';

/** Rows that come first, in this order; others follow by name. */
const first_rows = [
  'prompt',
  'negative_prompt',
  'width',
  'height',
  'steps',
  'cfg_scale',
  'sampler_name',
  'seed',
];
function row_place(name: string): number {
  const place = first_rows.indexOf(name);
  return place < 0 ? first_rows.length : place;
}

/** Rows whose value says nothing are left out. */
function says_something(value: Value): boolean {
  return (
    value !== null &&
    value !== '' &&
    value !== false &&
    !(Array.isArray(value) && value.length === 0)
  );
}

/** Everything known about the current picture; each parameter can be taken over by itself. */
export function InfoPanel() {
  const { t } = useTranslation();
  const { current, info } = useSelection();
  const picture = usePicture(info ? current : null).data;
  if (!info || !picture) return null;
  return (
    <aside className={styles.info} aria-label={t('info.title')}>
      <header>
        <h2>{t('info.title')}</h2>
        <IconButton
          label={t('common.close')}
          icon={<X />}
          onClick={() => useSelection.setState({ info: false })}
        />
      </header>
      <div className={styles.scroll}>
        <Facts picture={picture} />
        <OtherModel picture={picture} />
        <Parameters picture={picture} />
        <Source picture={picture} />
      </div>
    </aside>
  );
}

function Facts({ picture }: { picture: PictureDetails }) {
  const { t, i18n } = useTranslation();
  return (
    <dl className={styles.facts}>
      <dt>{t('info.file')}</dt>
      <dd>
        <a href={picture_address(picture.name, 'file')} target="_blank" rel="noreferrer">
          {picture.name}
        </a>
      </dd>
      <dt>{t('info.created')}</dt>
      <dd>{moment(picture.created, i18n.language)}</dd>
      <dt>{t('info.size')}</dt>
      <dd>{`${picture.width} × ${picture.height}`}</dd>
      {picture.model !== '' && (
        <>
          <dt>{t('info.model')}</dt>
          <dd>{picture.model}</dd>
        </>
      )}
      {picture.source !== '' && (
        <>
          <dt>{t('info.source')}</dt>
          <dd>{picture.source}</dd>
        </>
      )}
    </dl>
  );
}

/** The picture was made with another model than the active one: offers to change it. */
function OtherModel({ picture }: { picture: PictureDetails }) {
  const { t } = useTranslation();
  const active = useApp().data?.model?.name;
  const models = useModels().data ?? [];
  const other = models.find((model) => model.name === picture.model && model.name !== active);
  if (!other) return null;
  return (
    <p className={styles.other}>
      {t('info.other_model', { name: other.name })}
      <Button small onClick={() => void attempt(() => client.activate(other.name))}>
        {t('info.use_model')}
      </Button>
    </p>
  );
}

function Parameters({ picture }: { picture: PictureDetails }) {
  const { t } = useTranslation();
  const { recall } = picture;
  if (!recall) return <p className={styles.none}>{t('info.no_parameters')}</p>;
  const rows: [string, Value][] = [
    ...Object.entries(recalled_prompts(recall)),
    ...Object.entries(recall.values).filter(([name]) => name !== 'iterations'),
  ];
  return (
    <>
      <div className={styles.title}>
        <h3>{t('info.parameters')}</h3>
        <Button small icon={<CornerUpLeft />} onClick={() => use_all(picture)}>
          {t('hotkey.use_all')}
        </Button>
      </div>
      <ul className={styles.rows}>
        {rows
          .filter(([, value]) => says_something(value))
          .sort(([one], [two]) => row_place(one) - row_place(two))
          .map(([name, value]) => {
            const label = t(`setting.${name}.label`, { defaultValue: name.replaceAll('_', ' ') });
            return (
              <li key={name}>
                <span>{label}</span>
                <b>{value === true ? t('common.on') : String(value)}</b>
                <IconButton
                  small
                  label={t('info.recall', { name: label })}
                  icon={<CornerUpLeft />}
                  onClick={() => use_value(name, value)}
                />
              </li>
            );
          })}
      </ul>
    </>
  );
}

function Source({ picture }: { picture: PictureDetails }) {
  const { t } = useTranslation();
  const json = picture.metadata && JSON.stringify(picture.metadata, null, 2);
  return (
    <>
      {picture.notes.map((note) => (
        <p key={note} className={styles.none}>
          {note}
        </p>
      ))}
      {picture.dream !== '' && <Text title={t('info.command')} text={picture.dream} />}
      {json && <Text title={t('info.metadata')} text={json} />}
    </>
  );
}

function Text({ title, text }: { title: string; text: string }) {
  const { t } = useTranslation();
  return (
    <>
      <div className={styles.title}>
        <h3>{title}</h3>
        <IconButton
          small
          label={`${t('common.copy')}: ${title}`}
          icon={<Copy />}
          onClick={() => void copy_text(text)}
        />
      </div>
      {/* Scrollable text must be reachable with the keyboard. */}
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
      <pre className={styles.text} tabIndex={0} role="region" aria-label={title}>
        {text}
      </pre>
    </>
  );
}
