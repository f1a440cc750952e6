/**
 * What programs need: the keys that sign API tokens, and model calls that belong to no chat (the OpenAI-compatible API
 * keeps no conversation).
 */
import { dialectWords, type Migration } from './migration.ts';

const w = dialectWords;

const SIGNING_KEYS = [
  `create table signing_keys (
    generation ${w.int8} primary key, kid ${w.key} not null unique, public_jwk text not null,
    sealed text not null, sealed_with ${w.key} not null,
    created_at ${w.int8} not null, retires_at ${w.int8} not null
  ) ${w.strict}`,
];

/** SQLite cannot take a `not null` off a column; the table is small and has no children. */
const SQLITE_USAGE = [
  'drop index usage_of_user',
  'alter table usage_records rename to usage_records_before',
  `create table usage_records (
    id ${w.key} primary key, turn_id ${w.key}, chat_id ${w.key},
    user_id ${w.key} not null references users (id) on delete cascade, model text,
    input_tokens ${w.int8} not null, output_tokens ${w.int8} not null, cached_tokens ${w.int8} not null,
    cost ${w.float8}, created_at ${w.int8} not null
  ) ${w.strict}`,
  'insert into usage_records select * from usage_records_before',
  'drop table usage_records_before',
  'create index usage_of_user on usage_records (user_id, created_at, id)',
];

const POSTGRES_USAGE = [
  'alter table usage_records alter column turn_id drop not null, alter column chat_id drop not null',
];

/** Everything of version 2. */
export const programs: Migration = {
  version: 2,
  name: 'programs',
  statements: (engine) => [...SIGNING_KEYS, ...(engine === 'sqlite' ? SQLITE_USAGE : POSTGRES_USAGE)],
};
