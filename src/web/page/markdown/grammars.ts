/** The languages that chats are about. Each is a file of its own, fetched when its first code is shown. */
import type { LanguageFn } from 'highlight.js';

type Load = () => Promise<{ default: LanguageFn }>;

interface Grammar {
  readonly load: Load;
  /** What people write after the fence, besides its name. */
  readonly aliases?: readonly string[];
  /** Languages that stand inside of it. */
  readonly within?: readonly string[];
}

const GRAMMARS: Readonly<Record<string, Grammar>> = {
  bash: { load: () => import('highlight.js/lib/languages/bash'), aliases: ['sh', 'shell', 'zsh', 'console'] },
  c: { load: () => import('highlight.js/lib/languages/c'), aliases: ['h'] },
  cpp: { load: () => import('highlight.js/lib/languages/cpp'), aliases: ['c++', 'cc', 'hpp'] },
  csharp: { load: () => import('highlight.js/lib/languages/csharp'), aliases: ['cs', 'c#'] },
  css: { load: () => import('highlight.js/lib/languages/css') },
  dart: { load: () => import('highlight.js/lib/languages/dart') },
  diff: { load: () => import('highlight.js/lib/languages/diff'), aliases: ['patch'] },
  dockerfile: { load: () => import('highlight.js/lib/languages/dockerfile'), aliases: ['docker'] },
  elixir: { load: () => import('highlight.js/lib/languages/elixir'), aliases: ['ex'] },
  go: { load: () => import('highlight.js/lib/languages/go'), aliases: ['golang'] },
  graphql: { load: () => import('highlight.js/lib/languages/graphql'), aliases: ['gql'] },
  haskell: { load: () => import('highlight.js/lib/languages/haskell'), aliases: ['hs'] },
  ini: { load: () => import('highlight.js/lib/languages/ini'), aliases: ['toml', 'conf'] },
  java: { load: () => import('highlight.js/lib/languages/java') },
  javascript: { load: () => import('highlight.js/lib/languages/javascript'), aliases: ['js', 'jsx', 'mjs', 'cjs'] },
  json: { load: () => import('highlight.js/lib/languages/json'), aliases: ['jsonc', 'json5'] },
  kotlin: { load: () => import('highlight.js/lib/languages/kotlin'), aliases: ['kt'] },
  lua: { load: () => import('highlight.js/lib/languages/lua') },
  makefile: { load: () => import('highlight.js/lib/languages/makefile'), aliases: ['make'] },
  markdown: { load: () => import('highlight.js/lib/languages/markdown'), aliases: ['md'], within: ['xml'] },
  nginx: { load: () => import('highlight.js/lib/languages/nginx') },
  php: { load: () => import('highlight.js/lib/languages/php') },
  powershell: { load: () => import('highlight.js/lib/languages/powershell'), aliases: ['ps1', 'pwsh'] },
  python: { load: () => import('highlight.js/lib/languages/python'), aliases: ['py'] },
  r: { load: () => import('highlight.js/lib/languages/r') },
  ruby: { load: () => import('highlight.js/lib/languages/ruby'), aliases: ['rb'] },
  rust: { load: () => import('highlight.js/lib/languages/rust'), aliases: ['rs'] },
  scala: { load: () => import('highlight.js/lib/languages/scala') },
  scss: { load: () => import('highlight.js/lib/languages/scss'), aliases: ['sass'] },
  sql: { load: () => import('highlight.js/lib/languages/sql'), aliases: ['postgres', 'postgresql', 'mysql', 'sqlite'] },
  swift: { load: () => import('highlight.js/lib/languages/swift') },
  typescript: { load: () => import('highlight.js/lib/languages/typescript'), aliases: ['ts', 'tsx', 'mts', 'cts'] },
  xml: {
    load: () => import('highlight.js/lib/languages/xml'),
    aliases: ['html', 'svg', 'vue', 'xhtml'],
    within: ['css', 'javascript'],
  },
  yaml: { load: () => import('highlight.js/lib/languages/yaml'), aliases: ['yml'] },
};

const NAMES = new Map(
  Object.entries(GRAMMARS).flatMap(([name, { aliases = [] }]) =>
    [name, ...aliases].map((alias) => [alias, name] as const),
  ),
);

/** The grammar's name for what stands after a fence; null: there is none. */
export function grammarName(language: string): string | null {
  return NAMES.get(language) ?? null;
}

/** Fetches a grammar with those it needs, by name. */
export async function loadGrammar(name: string): Promise<(readonly [string, LanguageFn])[]> {
  const names = [name, ...(GRAMMARS[name]?.within ?? [])];
  const loaded = names.map(async (each) => {
    const module = await GRAMMARS[each]?.load();
    return module === undefined ? [] : [[each, module.default] as const];
  });
  return (await Promise.all(loaded)).flat();
}
