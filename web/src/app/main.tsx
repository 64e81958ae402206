import '@fontsource-variable/inter/wght.css';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { start_i18n, use_language } from '@/lib/i18n';
import { start_hotkeys } from '@/state/hotkeys';
import { usePreferences } from '@/state/preferences';
import { App } from './App';
import './tokens.css';
import './base.css';
import { start_live } from './live';
import { start_remembering } from './remember';

start_i18n();
start_hotkeys();
start_live();
start_remembering();

/** Theme and language are the page's as a whole, so they hang on its root element. */
function dress(): void {
  const { theme, language } = usePreferences.getState();
  document.documentElement.dataset.theme = theme;
  void use_language(language);
}
dress();
usePreferences.subscribe((now, before) => {
  if (now.theme !== before.theme || now.language !== before.language) dress();
});

const root = document.getElementById('root');
if (root) {
  createRoot(root).render(
    <StrictMode>
      <App />
    </StrictMode>,
  );
}
