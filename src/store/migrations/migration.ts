/** What a migration is, and the words of SQL in which the two engines differ. */

/** The engines. */
export type Engine = 'sqlite' | 'postgres';

/**
 * One step of the schema. A step is additive (an older instance keeps working on it during a deploy), runs in one
 * transaction with the note that it ran, and is never edited once released.
 */
export interface Migration {
  /** Counts from 1 without gaps. */
  readonly version: number;
  readonly name: string;
  statements(engine: Engine): Iterable<string>;
}

/** Placeholders for {@link forEngine}. */
export const dialectWords = {
  key: '{key}',
  int8: '{int8}',
  float8: '{float8}',
  identity: '{identity}',
  strict: '{strict}',
  clustered: '{clustered}',
} as const;

const WORDS: Record<Engine, Record<keyof typeof dialectWords, string>> = {
  sqlite: {
    key: 'text',
    int8: 'integer',
    float8: 'real',
    identity: 'integer primary key autoincrement',
    strict: 'strict',
    clustered: 'strict, without rowid',
  },
  postgres: {
    key: 'text collate "C"',
    int8: 'bigint',
    float8: 'double precision',
    identity: 'bigint generated always as identity primary key',
    strict: '',
    clustered: '',
  },
};

/** `statement` in the words of `engine`. */
export function forEngine(engine: Engine, statement: string): string {
  return statement.replace(/\{(\w+)\}/g, (whole, word: string) =>
    word in dialectWords ? WORDS[engine][word as keyof typeof dialectWords] : whole,
  );
}
