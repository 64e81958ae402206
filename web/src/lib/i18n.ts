/** Texts of the page. English is part of the first load; other languages are fetched when chosen. */

import i18next from 'i18next';
import { initReactI18next } from 'react-i18next';
import english from '@/locales/en.json';

export const languages = {
  en: 'English',
  de: 'Deutsch',
  fr: 'Français',
  es: 'Español',
  ja: '日本語',
  zh: '中文（简体）',
} as const;

export type Language = keyof typeof languages;

const load: Record<Exclude<Language, 'en'>, () => Promise<{ default: object }>> = {
  de: () => import('@/locales/de.json'),
  fr: () => import('@/locales/fr.json'),
  es: () => import('@/locales/es.json'),
  ja: () => import('@/locales/ja.json'),
  zh: () => import('@/locales/zh.json'),
};

/** The browser's first language that we speak. */
export function preferred_language(wanted: readonly string[]): Language {
  for (const tag of wanted) {
    const language = tag.toLowerCase().split('-')[0] ?? '';
    if (language in languages) return language as Language;
  }
  return 'en';
}

export async function use_language(language: Language): Promise<void> {
  if (language !== 'en' && !i18next.hasResourceBundle(language, 'translation')) {
    const texts = await load[language]();
    i18next.addResourceBundle(language, 'translation', texts.default);
  }
  await i18next.changeLanguage(language);
  document.documentElement.lang = language === 'zh' ? 'zh-CN' : language;
}

export function start_i18n(): void {
  void i18next.use(initReactI18next).init({
    lng: 'en',
    fallbackLng: 'en',
    resources: { en: { translation: english } },
    interpolation: { escapeValue: false },
    showSupportNotice: false,
  });
}
