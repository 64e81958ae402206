import {
  Columns2,
  Copy,
  Download,
  FolderInput,
  ImagePlus,
  ImageUp,
  Maximize2,
  MessageSquareText,
  Sprout,
  Star,
  Trash2,
  Undo2,
} from 'lucide-react';
import { useCallback } from 'react';
import { useTranslation } from 'react-i18next';
import type { MenuItems } from '@/components/Menu';
import {
  attempt,
  copy_picture,
  download,
  put_on_board,
  set_starred,
  use_all,
  use_as_source,
  use_its_source,
  use_prompt,
  use_value,
} from '@/state/actions';
import { ask_delete } from '@/state/deletion';
import { useBoards } from '@/state/queries';
import { show_picture, useSelection } from '@/state/selection';
import { client } from '@/wire/client';
import type { Picture, PictureDetails } from '@/wire/types';

/** Asks for the details first: the list has no parameters. */
async function with_details(name: string, then: (picture: PictureDetails) => void): Promise<void> {
  const details = await attempt(() => client.picture(name));
  if (details) then(details);
}

/** What can be done with a picture of the list, or with all chosen ones. */
export function usePictureMenu(): (picture: Picture) => MenuItems {
  const { t } = useTranslation();
  const boards = useBoards().data;
  return useCallback(
    (picture: Picture) => {
      const { name } = picture;
      const { chosen, current } = useSelection.getState();
      const names = chosen.includes(name) ? chosen : [name];
      const several = names.length > 1;
      const other = several ? names.find((entry) => entry !== name) : current;
      const made = picture.kind === 'result' || picture.kind === 'grid';
      const single: MenuItems = [
        {
          label: t('picture.open'),
          icon: <Maximize2 />,
          run: () => {
            show_picture(name);
            useSelection.setState({ lightbox: true });
          },
        },
        {
          label: t('hotkey.use_prompt'),
          icon: <MessageSquareText />,
          disabled: picture.prompt === '',
          run: () => void with_details(name, use_prompt),
        },
        {
          label: t('hotkey.use_seed'),
          icon: <Sprout />,
          disabled: picture.seed === null,
          run: () => use_value('seed', picture.seed),
        },
        {
          label: t('hotkey.use_all'),
          icon: <Undo2 />,
          disabled: !made,
          run: () => void with_details(name, use_all),
        },
        {
          label: t('picture.use_source'),
          icon: <ImageUp />,
          disabled: !made,
          run: () => void with_details(name, use_its_source),
        },
        { label: t('picture.to_image'), icon: <ImagePlus />, run: () => use_as_source(picture) },
        { label: t('picture.copy'), icon: <Copy />, run: () => void copy_picture(name) },
      ];
      return [
        ...(several ? [] : single),
        {
          label: t('picture.compare'),
          icon: <Columns2 />,
          disabled: !other || other === name || names.length > 2,
          run: () => {
            show_picture(name);
            useSelection.setState({ compare: other ?? null, lightbox: true });
          },
        },
        'line',
        {
          label: picture.starred ? t('picture.unstar') : t('picture.star'),
          icon: <Star />,
          run: () => void set_starred(names, !picture.starred),
        },
        {
          label: t('picture.to_board'),
          icon: <FolderInput />,
          items: [
            { label: t('board.none'), run: () => void put_on_board(names, null) },
            ...(boards ?? []).map((board) => ({
              label: board.name,
              run: () => void put_on_board(names, board.id),
            })),
          ],
        },
        { label: t('picture.download'), icon: <Download />, run: () => names.forEach(download) },
        'line',
        {
          label: t('picture.delete', { count: names.length }),
          icon: <Trash2 />,
          danger: true,
          run: () => ask_delete(names),
        },
      ];
    },
    [boards, t],
  );
}
