import { ArrowLeftRight } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { Button, IconButton } from '@/components/Button';
import { useParameters } from '@/state/parameters';
import { useFallback, usual_size } from '@/state/fallbacks';
import { useApp } from '@/state/queries';
import styles from './Parameters.module.css';
import { SettingControl } from './SettingControl';

const shapes: [string, number][] = [
  ['1:1', 1],
  ['4:3', 4 / 3],
  ['3:2', 3 / 2],
  ['16:9', 16 / 9],
];
const grain = 64; // pixels; sizes the networks like best

/** Width and height with usual shapes, at the model's own number of pixels. */
export function SizeFields() {
  const { t } = useTranslation();
  const model = useApp().data?.model;
  const { values, set_all } = useParameters();
  const native = [model?.native_width || usual_size, model?.native_height || usual_size] as const;
  const [own_width, own_height] = [useFallback('width').value, useFallback('height').value];
  const width = Number(values.width ?? own_width);
  const height = Number(values.height ?? own_height);
  const put = (w: number, h: number) =>
    set_all({ width: w === own_width ? null : w, height: h === own_height ? null : h });

  const reshape = (shape: number) => {
    const area = native[0] * native[1];
    const unit = area < 256 * 256 ? 8 : grain;
    const round = (value: number) => Math.max(64, Math.round(value / unit) * unit);
    const [long, short] = [round(Math.sqrt(area * shape)), round(Math.sqrt(area / shape))];
    put(...((height > width ? [short, long] : [long, short]) as [number, number]));
  };

  return (
    <>
      <SettingControl name="width" />
      <SettingControl name="height" />
      <div className={styles.sizes}>
        {shapes.map(([label, shape]) => (
          <Button key={label} small onClick={() => reshape(shape)}>
            {label}
          </Button>
        ))}
        <IconButton
          small
          look="plain"
          label={t('size.swap')}
          icon={<ArrowLeftRight />}
          onClick={() => put(height, width)}
        />
      </div>
    </>
  );
}
