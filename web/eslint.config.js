import js from '@eslint/js';
import jsxA11y from 'eslint-plugin-jsx-a11y';
import hooks from 'eslint-plugin-react-hooks';
import globals from 'globals';
import ts from 'typescript-eslint';

/** The rooms of the page, from the ground up; each may import what stands before it. */
const floors = [['lib'], ['wire', 'components'], ['state'], ['features'], ['app']];

/** One rule set per folder: what it may not import. Features do not know each other. */
const arrows = floors
  .flatMap((floor, height) =>
    floor.map((room) => {
      const above = floors.slice(height + 1).flat();
      const beside = floor.filter((other) => other !== room);
      const patterns = [...above, ...beside].map((other) => `@/${other}/*`);
      if (room === 'features') patterns.push('@/features/*', '../*');
      return {
        files: [`src/${room}/**/*.{ts,tsx}`],
        rules: {
          'no-restricted-imports': [
            'error',
            {
              patterns: [
                { group: patterns, message: `${room} may not import this (web/README.md)` },
              ],
            },
          ],
        },
      };
    }),
  )
  .filter((entry) => entry.rules['no-restricted-imports'][1].patterns[0].group.length > 0);

export default ts.config(
  { ignores: ['dist', 'src/wire/schema.d.ts'] },
  js.configs.recommended,
  ...ts.configs.recommended,
  jsxA11y.flatConfigs.recommended,
  hooks.configs.flat['recommended-latest'],
  {
    languageOptions: { globals: { ...globals.browser, ...globals.node } },
    rules: {
      '@typescript-eslint/no-non-null-assertion': 'error',
      'no-console': 'error',
    },
  },
  ...arrows,
  { files: ['testing/**', 'e2e/**'], rules: { 'no-console': 'off' } },
);
