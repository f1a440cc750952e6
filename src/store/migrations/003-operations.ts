/** What operators need: which jobs ran when, once per cluster, and a trail of what was done to whom. */
import { dialectWords, type Migration } from './migration.ts';

const w = dialectWords;

/** Everything of version 3. */
export const operations: Migration = {
  version: 3,
  name: 'operations',
  statements: () => [
    `create table job_runs (
      name ${w.key} primary key, owner ${w.key}, locked_until ${w.int8} not null default 0,
      due_at ${w.int8} not null default 0, started_at ${w.int8}, ended_at ${w.int8},
      outcome text, detail text, failures ${w.int8} not null default 0
    ) ${w.strict}`,
    // No foreign key: the trail outlives what it tells of. Only numeric ids, so that nothing in it names a person.
    `create table audit_events (
      id ${w.key} primary key, at ${w.int8} not null, action text not null,
      actor text, subject ${w.key}, detail text
    ) ${w.strict}`,
    'create index audit_events_by_age on audit_events (at)',
    'create index audit_events_of_subject on audit_events (subject, id)',
  ],
};
