/**
 * Every command that README and docs/ name is run by a test or a script, or it is said here why not. A new one has to be
 * listed; one that is gone from the documents has to go from here.
 */
import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { type DocumentedCommand, documentedCommands } from './support/documented-commands.ts';

const ROOT = join(import.meta.dirname, '..');
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');

/** Run by that file, in which that text shows it. */
type Listed = { readonly by: string; readonly seen: string } | { readonly notRun: string };

const by = (file: string, seen: string): Listed => ({ by: file, seen });
const notRun = (why: string): Listed => ({ notRun: why });

const COMMANDS = 'test/deploy/commands.test.ts';
const WALK = 'scripts/production-path-steps.ts';
const secrets = by(WALK, '## Secrets');
const noDocker = notRun('needs a Docker engine, which our machines lack: check-deploy reads the files');
const asRoot = notRun('changes the machine: check-deploy reads the units, production-path runs what they start');
const measures = notRun('a measurement, which is no test: its table says when and where it was made');

const LISTED: Readonly<Record<string, Listed>> = {
  'npm ci': by('.ci/run', 'npm ci'),
  'npm test': by('.ci/run', 'npm test'),
  'apt-get install chromium': by('.ci/run', 'install -y --no-install-recommends chromium'),
  'npm ci && npm run demo': by(COMMANDS, "'demo'"),
  'npm start': by(COMMANDS, "'start'"),
  'npm run worker': by(COMMANDS, "'worker'"),
  'npm run format': notRun('changes files: npm test runs the same rules without writing'),
  'npx tsc --noEmit': by('package.json', 'tsc --noEmit && '),
  'npx node --test test/chats/*.test.ts': by('package.json', 'node --test '),
  'npx node --test "test/journeys/cluster-*.test.ts"': by('package.json', 'node --test '),
  'node --test test/contracts/': by('package.json', 'node --test '),
  'node --test test/journeys/turn-recovery.test.ts': by('package.json', 'node --test '),
  'node --test test/journeys/secrets.test.ts': by('package.json', 'node --test '),
  'node scripts/build-page.mjs': by('package.json', 'scripts/build-page.mjs'),
  'node scripts/api-types.ts <its address>': by('test/ops/api-types.test.ts', 'apiTypes'),
  'node scripts/page-figures.ts': measures,
  'node scripts/bench-runtimes.ts': measures,
  'npm run bench': measures,
  'npm run torture -- --rounds 20': by('test/journeys/turn-recovery.test.ts', 'torture('),
  'npm run attack': by('test/journeys/attack.test.ts', 'runAttacks'),
  'npm run attack -- --only revocation': by('test/journeys/attack.test.ts', 'runAttacks'),

  'cp config/isolated.env .env': by('test/config-templates.test.ts', "'isolated.env'"),
  'npm run check-config': by(WALK, "'check-config'"),
  "openssl rand -base64 48 | tr '+/' '-_' | tr -d '='": secrets,
  'mkdir -p config/deploy/secrets && cd config/deploy/secrets && umask 077': secrets,
  "random() { openssl rand -base64 48 | tr '+/' '-_' | tr -d '=\\n'; }": secrets,
  'random > session_secrets; random > credential_keys; random > connection_token; random > postgres_password': secrets,
  'printf \'postgres://pilothouse:%s@postgres:5432/pilothouse\' "$(cat postgres_password)" > database_url': secrets,
  "printf '%s' '<client secret of the OAuth App>' > github_client_secret": secrets,
  'chmod 644 ./*': secrets,
  'copilot --headless': by(WALK, 'startServer'),
  'copilot --headless --port N': by(WALK, 'startServer'),
  'npm run check-deploy': by('test/deploy/check-deploy.test.ts', 'check-deploy'),
  'npm run production-path': by('test/deploy/production-path.test.ts', 'walkProductionPath'),

  'docker build -t pilothouse .': noDocker,
  'docker run -d --name pilothouse -p 127.0.0.1:3000:3000 -v pilothouse:/data --read-only --tmpfs /tmp --cap-drop ALL --security-opt no-new-privileges --stop-timeout 40 --env-file .env pilothouse':
    noDocker,
  'docker compose -f config/deploy/compose.demo.yaml up --build': noDocker,
  'cd config/deploy': noDocker,
  'GITHUB_CLIENT_ID=Iv1.… PUBLIC_URL=https://chat.example.com GITHUB_ALLOWED_ORGS=acme docker compose up -d --build':
    noDocker,
  'docker compose exec gateway node scripts/check-config.ts': noDocker,
  'docker compose exec -e ADMIN_USERS=you gateway node scripts/admin.ts runtimes': noDocker,
  'docker compose exec gateway node scripts/admin.ts …': noDocker,
  'docker build -f config/deploy/copilot-cli.Dockerfile --build-arg COPILOT_VERSION=1.0.102 -t copilot-cli:1.0.102 .':
    noDocker,
  'kubectl kustomize': by('scripts/check-deploy.ts', "'kustomize'"),
  'kubectl apply -k config/deploy/kubernetes': notRun('needs a cluster: check-deploy builds and reads the manifests'),
  'kubectl exec deploy/pilothouse -- node scripts/admin.ts …': notRun('needs a cluster: the script itself is run'),
  'useradd --system --home /var/lib/pilothouse pilothouse && useradd --system --home /var/lib/copilot copilot': asRoot,
  'git clone … /opt/pilothouse && cd /opt/pilothouse && npm ci && npm prune --omit=dev': asRoot,
  'install -D -m 600 config/isolated.env /etc/pilothouse/gateway.env': asRoot,
  'cp config/deploy/systemd/pilothouse.service /etc/systemd/system/': asRoot,
  'systemctl daemon-reload && systemctl enable --now pilothouse': asRoot,

  'npm run admin -- <command>': by('test/ops/ops-routes.test.ts', 'runAdmin'),
  'npm run admin -- audit': by('test/ops/ops-routes.test.ts', "'audit'"),
  'npm run admin -- jobs': by('test/ops/ops-routes.test.ts', "'jobs'"),
  'npm run admin -- runtimes': by(WALK, "'admin', 'runtimes'"),
  'npm run admin -- revoke <id>': by('test/ops/ops-routes.test.ts', "'revoke'"),
  'npm run backup -- /backups/pilothouse-$(date +%F).db': by('test/ops/backup.test.ts', 'backUp'),
  'pg_dump --format=custom --file=pilothouse.dump "$DATABASE_URL"': by(WALK, 'pg_dump --format=custom'),
  'pg_restore --clean --if-exists --dbname="$DATABASE_URL" pilothouse.dump': by(WALK, 'pg_restore --clean'),
  'npm run migrate': by('test/store/migrate-command.test.ts', "runCommand('migrate'"),
  'npm run copy-store': by('test/store/copy-store.test.ts', 'copy-store'),
  'npm run copy-store -- --from sqlite:./data/gateway.db --to postgres://pilothouse:password@db/pilothouse': by(
    'test/store/copy-store.test.ts',
    'copy-store',
  ),
  'npm run rolling-deploy': by('test/cluster/rolling-deploy.test.ts', 'rollingDeploy'),
  'npm run dead-owner -- --rounds 8': measures,
  'npm run turn-cost': measures,
  'npm run rotate-keys': by('test/auth/rotate-keys.test.ts', "'rotate-keys'"),

  'curl -s https://copilot.example.com/api/chat -H "Authorization: Bearer $TOKEN" -H \'content-type: application/json\' -d \'{"sessionId": "support", "message": "What is a tombstone in a session store?"}\'':
    by(COMMANDS, 'curl'),
  'curl https://gateway.example/v1/chat/completions -H "Authorization: Bearer $TOKEN" -H \'content-type: application/json\' -d \'{"model": "gpt-5-mini", "messages": [{"role": "user", "content": "Hello"}]}\'':
    by(COMMANDS, 'curl'),
};

const documented = documentedCommands();
const npmScripts = JSON.parse(read('package.json')).scripts as Record<string, string>;

describe('A command in the documents', () => {
  it('is listed here, and what is listed here is in the documents', () => {
    const commands = new Set(documented.map(({ command }) => command));
    const unlisted = documented.filter(({ command }) => LISTED[command] === undefined);
    assert.deepEqual(unlisted, [], 'say which test or script runs it, or why none does');
    assert.deepEqual(
      Object.keys(LISTED).filter((command) => !commands.has(command)),
      [],
      'no document has it any more',
    );
  });

  it('is run by what is said to run it', () => {
    const wrong = Object.entries(LISTED).filter(
      ([, how]) => 'by' in how && !(existsSync(join(ROOT, how.by)) && read(how.by).includes(how.seen)),
    );
    assert.deepEqual(wrong, []);
  });

  it('names npm scripts, files and tests that exist', () => {
    const wrong = documented.flatMap(({ file, command }) => missing(command).map((what) => `${file}: ${what}`));
    assert.deepEqual(wrong, []);
  });

  it('gives options that its script knows', () => {
    const wrong = documented.flatMap((one) => unknownOptions(one).map((option) => `${one.command}: ${option}`));
    assert.deepEqual(wrong, []);
  });
});

/** What the command names and does not exist. */
function missing(command: string): string[] {
  const runs = [...command.matchAll(/\bnpm run ([\w-]+)/g)].map((match) => match[1] ?? '');
  const files = [...command.matchAll(/"?\b((?:scripts|test|config)\/[\w./*-]+)"?/g)].map((match) => match[1] ?? '');
  return [
    ...runs.filter((name) => npmScripts[name] === undefined).map((name) => `npm run ${name}`),
    ...files.filter((path) => !path.startsWith('config/deploy/secrets') && globSync(path, { cwd: ROOT }).length === 0),
  ];
}

/** Options of our own scripts that their text does not name; of `admin`, commands too. */
function unknownOptions({ command }: DocumentedCommand): string[] {
  const [, name, rest = ''] = /\bnpm run ([\w-]+) -- (.*)$/.exec(command) ?? [];
  const script = /scripts\/[\w-]+\.ts/.exec(npmScripts[name ?? ''] ?? '')?.[0];
  if (script === undefined) return [];
  const text = read(script);
  const options = [...rest.matchAll(/--([\w-]+)/g)].map((match) => match[1] ?? '');
  const verb = name === 'admin' ? /^[a-z-]+/.exec(rest)?.[0] : undefined;
  return [...options, ...(verb === undefined ? [] : [verb])].filter(
    (word) => !new RegExp(`^\\s*(?:.*[{,]\\s*)?'?${word}'?: \\{`, 'm').test(text),
  );
}
