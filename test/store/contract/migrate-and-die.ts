/** Run as a process: migrates the database in `LOCATION` and kills itself after `STATEMENTS` statements. */
import type { Migration } from '../../../src/store/migrations/migration.ts';
import { MIGRATIONS } from '../../../src/store/migrations/migrations.ts';
import { migrate } from '../../../src/store/migrator.ts';
import { openDatabase } from '../../../src/store/open-store.ts';

let left = Number(process.env.STATEMENTS);

const deadly = MIGRATIONS.map(
  (migration): Migration => ({
    ...migration,
    *statements(engine) {
      for (const statement of migration.statements(engine)) {
        if (left === 0) process.kill(process.pid, 'SIGKILL');
        left -= 1;
        yield statement;
      }
    },
  }),
);

await migrate(openDatabase(JSON.parse(process.env.LOCATION ?? '')), deadly);
