/**
 * Writes `.oxlintrc.json` from `rooms.ts`: the same rules for all code, and per room the imports it may not make.
 * `--check` exits 1 when the file in the tree is stale.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { rooms } from '../rooms.ts';

const target = new URL('../.oxlintrc.json', import.meta.url);

const others = (room: string): readonly string[] => Object.keys(rooms).filter((other) => other !== room);
const climbing = (room: string): readonly string[] => ['..', '../..', '../../..'].map((up) => `${up}/${room}/**`);

const roomOverrides = Object.entries(rooms).map(([room, allowed]) => ({
  files: [`src/${room}/**/*.ts`],
  rules: {
    'no-restricted-imports': [
      'error',
      {
        patterns: [
          {
            group: others(room)
              .filter((other) => !allowed.includes(other))
              .map((other) => `#${other}/*`),
            message: `The room "${room}" may import ${allowed.join(', ') || 'no other room'} (rooms.ts).`,
          },
          { group: [`#${room}/*`], message: 'Import files of the same room by a relative path.' },
          // A folder inside of a room reaches the room's other files by `../`.
          { group: others(room).flatMap(climbing), message: 'Leave a room by its name, not by a relative path.' },
        ].filter((pattern) => pattern.group.length > 0),
      },
    ],
  },
}));

const config = {
  $schema: './node_modules/oxlint/configuration_schema.json',
  plugins: ['typescript', 'import', 'node', 'promise', 'unicorn', 'oxc'],
  categories: { correctness: 'error', suspicious: 'error', perf: 'warn' },
  rules: {
    'typescript/no-floating-promises': 'error',
    'typescript/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
    'typescript/only-throw-error': [
      'error',
      { allowThrowingUnknown: true, allowThrowingAny: true, allowRethrowing: true },
    ],
    'typescript/no-explicit-any': 'error',
    'typescript/no-non-null-assertion': 'error',
    'typescript/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
    // An import of types alone would load the module all the same.
    'typescript/no-import-type-side-effects': 'error',
    'typescript/no-unsafe-type-assertion': 'off',
    'typescript/consistent-return': 'off',
    'typescript/no-unnecessary-type-parameters': 'off',
    // What the types call present may be absent in an object that has not been defaulted yet.
    'typescript/no-useless-default-assignment': 'off',
    'import/no-cycle': 'error',
    'import/no-default-export': 'error',
    'import/no-named-as-default-member': 'off',
    'import/no-unassigned-import': 'off',
    'no-restricted-globals': ['error', 'setTimeout', 'setInterval'],
    'no-restricted-properties': ['error', { object: 'Date', property: 'now', message: 'Take a Clock.' }],
    'max-lines': ['error', { max: 400 }],
    'max-lines-per-function': ['error', { max: 60, skipBlankLines: true, skipComments: true }],
    complexity: ['error', { max: 15 }],
    'no-await-in-loop': 'off',
    'no-shadow': 'off',
    'no-underscore-dangle': 'off',
    'unicorn/no-array-sort': 'off',
    'unicorn/no-array-reverse': 'off',
    'unicorn/prefer-add-event-listener': 'off',
    'unicorn/require-post-message-target-origin': 'off',
    'unicorn/consistent-function-scoping': 'off',
    'unicorn/prefer-set-has': 'off',
    'promise/always-return': 'off',
    'promise/no-multiple-resolved': 'off',
    'no-map-spread': 'off',
    'oxc/no-map-spread': 'off',
    'oxc/no-accumulating-spread': 'warn',
  },
  ignorePatterns: ['src/api/generated/**', 'node_modules/**'],
  overrides: [
    ...roomOverrides,
    { files: ['src/base/clock.ts'], rules: { 'no-restricted-globals': 'off', 'no-restricted-properties': 'off' } },
    {
      files: [
        '**/*.test.ts',
        '**/*-spec.ts',
        'src/*/testing/**/*.ts',
        'src/*/*/testing/**/*.ts',
        'test/**/*.ts',
        'bench/**/*.ts',
        'examples/**/*.ts',
        'tools/**/*.ts',
      ],
      rules: {
        'max-lines-per-function': 'off',
        'typescript/require-array-sort-compare': 'off',
        'no-restricted-globals': 'off',
        'no-restricted-properties': 'off',
        'typescript/no-floating-promises': [
          'error',
          {
            allowForKnownSafeCalls: [
              { from: 'package', name: ['test', 'it', 'describe', 'suite'], package: 'node:test' },
            ],
          },
        ],
        'typescript/no-non-null-assertion': 'off',
      },
    },
  ],
};

const text = `${JSON.stringify(config, null, 2)}\n`;
if (process.argv.includes('--check')) {
  if (readFileSync(target, 'utf8') !== text) {
    console.error('.oxlintrc.json does not follow from rooms.ts: run `node tools/lint-config.ts`');
    process.exit(1);
  }
} else {
  writeFileSync(target, text);
}
