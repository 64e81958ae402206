import { ListFilter, Search, SlidersHorizontal, Upload, X } from 'lucide-react';
import { useRef, useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Button, IconButton } from '@/components/Button';
import { Field } from '@/components/Field';
import { Floating } from '@/components/Floating';
import { NumberField } from '@/components/NumberField';
import { Select } from '@/components/Select';
import { Segments, Toggle } from '@/components/Toggle';
import { count as written } from '@/lib/format';
import { upload_pictures } from '@/state/actions';
import { useCount, useFilter } from '@/state/gallery_list';
import { useHotkeys } from '@/state/hotkeys';
import { thumbnail_sizes, usePreferences } from '@/state/preferences';
import { useApp, useBoards, useModels } from '@/state/queries';
import { useSelection, type Category } from '@/state/selection';
import { Chosen } from './Chosen';
import styles from './Gallery.module.css';
import { Grid } from './Grid';

const pause = 250; // milliseconds without typing until the search starts
const any = '*';

interface GalleryProps {
  /** The tab of its own; else the panel at the side. */
  large: boolean;
  /** More buttons beside the search. */
  tools?: ReactNode;
  /** What can be done with the current picture, where no work area says it. */
  actions?: ReactNode;
}

/** Search, filters and the grid. */
export function Gallery({ large, tools, actions }: GalleryProps) {
  const { t, i18n } = useTranslation();
  const { category } = useSelection();
  const filter = useFilter();
  const total = useCount(filter).data;
  const number = total === undefined ? '' : written(total, i18n.language);
  const counted = total === undefined ? '' : t('gallery.count', { count: total, text: number });
  return (
    <section
      className={styles.gallery}
      data-large={large || undefined}
      aria-label={t('tab.gallery')}
    >
      <div className={styles.both}>
        <div className={styles.tools}>
          <Segments<Category>
            label={t('gallery.category')}
            value={category}
            choices={[
              { value: 'result', label: t('gallery.results') },
              { value: 'upload', label: t('gallery.uploads') },
              { value: 'all', label: t('gallery.all') },
            ]}
            onChange={(next) => useSelection.setState({ category: next })}
          />
          <span className={styles.count}>{large ? counted : number}</span>
          <UploadButton />
          <ViewSettings large={large} />
        </div>
        <div className={styles.tools}>
          <SearchBox />
          <Filters />
          {tools}
        </div>
      </div>
      <Grid large={large} />
      <Chosen single={actions} />
    </section>
  );
}

function UploadButton() {
  const { t } = useTranslation();
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <input
        ref={input}
        type="file"
        hidden
        multiple
        accept="image/png,image/jpeg,image/webp"
        onChange={(event) => {
          const files = [...(event.target.files ?? [])];
          event.target.value = '';
          void upload_pictures(files).then((stored) => {
            if (stored.length > 0) useSelection.setState({ category: 'upload' });
          });
        }}
      />
      <IconButton
        label={t('gallery.upload')}
        icon={<Upload />}
        onClick={() => input.current?.click()}
      />
    </>
  );
}

function SearchBox() {
  const { t } = useTranslation();
  const box = useRef<HTMLInputElement>(null);
  const search = useSelection((state) => state.filter.search ?? '');
  const [draft, setDraft] = useState<string | null>(null);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useHotkeys({ search: () => box.current?.focus() });
  // It is searched for even when the box is left, or gone, before the pause is over.
  const type = (text: string) => {
    setDraft(text);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => {
      useSelection.setState((old) => ({ filter: { ...old.filter, search: text } }));
      setDraft(null);
    }, pause);
  };
  return (
    <div className={styles.search}>
      <Search aria-hidden />
      <input
        ref={box}
        type="search"
        aria-label={t('gallery.search')}
        placeholder={t('gallery.search')}
        value={draft ?? search}
        onChange={(event) => type(event.target.value)}
      />
    </div>
  );
}

function Filters() {
  const { t } = useTranslation();
  const { filter } = useSelection();
  const models = useModels().data ?? [];
  const boards = useBoards().data ?? [];
  const samplers = useApp().data?.samplers ?? [];
  const put = (part: Partial<typeof filter>) =>
    useSelection.setState((old) => ({ filter: { ...old.filter, ...part } }));
  const active = Boolean(filter.model || filter.sampler || filter.starred || filter.board);
  const list = (names: readonly string[]) => [
    { value: any, label: t('gallery.any') },
    ...names.map((name) => ({ value: name, label: name })),
  ];
  const read = (value: string) => (value === any ? undefined : value);
  return (
    <>
      <Floating
        label={t('gallery.filters')}
        trigger={<IconButton label={t('gallery.filters')} icon={<ListFilter />} pressed={active} />}
      >
        <Field label={t('gallery.starred')} row>
          <Toggle
            label={t('gallery.starred')}
            on={filter.starred === true}
            onChange={(on) => put({ starred: on || undefined })}
          />
        </Field>
        <Field label={t('gallery.board')}>
          <Select
            label={t('gallery.board')}
            value={filter.board ?? any}
            choices={[
              { value: any, label: t('gallery.any') },
              ...boards.map(({ id, name }) => ({ value: id, label: name })),
            ]}
            onChange={(value) => put({ board: read(value) })}
          />
        </Field>
        <Field label={t('gallery.model')}>
          <Select
            label={t('gallery.model')}
            value={filter.model ?? any}
            choices={list(models.map((model) => model.name))}
            onChange={(value) => put({ model: read(value) })}
          />
        </Field>
        <Field label={t('setting.sampler_name.label')}>
          <Select
            label={t('setting.sampler_name.label')}
            value={filter.sampler ?? any}
            choices={list(samplers)}
            onChange={(value) => put({ sampler: read(value) })}
          />
        </Field>
        <Button
          small
          icon={<X />}
          disabled={!active}
          onClick={() =>
            useSelection.setState((old) => ({ filter: { search: old.filter.search } }))
          }
        >
          {t('gallery.clear_filters')}
        </Button>
      </Floating>
    </>
  );
}

function ViewSettings({ large }: { large: boolean }) {
  const { t } = useTranslation();
  const { thumbnail_size, whole_thumbnails, single_column, follow_results, change } =
    usePreferences();
  return (
    <Floating
      label={t('gallery.view')}
      trigger={<IconButton label={t('gallery.view')} icon={<SlidersHorizontal />} />}
    >
      <Field label={t('gallery.size')} help={t('gallery.help')}>
        <NumberField
          label={t('gallery.size')}
          value={thumbnail_size}
          bounds={{ ...thumbnail_sizes, whole: true }}
          step={16}
          slider={[thumbnail_sizes.low, thumbnail_sizes.high]}
          disabled={single_column && !large}
          onChange={(size) => change({ thumbnail_size: size })}
        />
      </Field>
      <Field label={t('gallery.whole')} row>
        <Toggle
          label={t('gallery.whole')}
          on={whole_thumbnails}
          onChange={(on) => change({ whole_thumbnails: on })}
        />
      </Field>
      {!large && (
        <Field label={t('gallery.single_column')} row>
          <Toggle
            label={t('gallery.single_column')}
            on={single_column}
            onChange={(on) => change({ single_column: on })}
          />
        </Field>
      )}
      <Field label={t('gallery.follow')} row>
        <Toggle
          label={t('gallery.follow')}
          on={follow_results}
          onChange={(on) => change({ follow_results: on })}
        />
      </Field>
    </Floating>
  );
}
