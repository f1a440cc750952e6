/**
 * `npm run check-deploy`: what can be known of the packages in config/deploy without building them: files parse, references
 * lead somewhere, images are pinned, every variable and metric they name exists, and their settings are a configuration the
 * gateway accepts. Uses `systemd-analyze` and `kubectl` where they are installed.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { configVariables, parseConfig } from '../src/config.ts';
import { GatewayMetrics } from '../src/ops/metrics.ts';

const ROOT = join(import.meta.dirname, '..');
const DEPLOY = join(ROOT, 'config', 'deploy');
const read = (...path: string[]) => readFileSync(join(...path), 'utf8');

type Tree = Record<string, unknown>;

/** A value somewhere in a parsed file; undefined: not there. */
function at(tree: unknown, ...path: (string | number)[]): unknown {
  return path.reduce<unknown>((node, key) => (node as Tree | undefined)?.[key as string], tree);
}

const listAt = (tree: unknown, ...path: (string | number)[]) => (at(tree, ...path) ?? []) as unknown[];
const keysAt = (tree: unknown, ...path: (string | number)[]) => Object.keys((at(tree, ...path) ?? {}) as Tree);

/** The documents of a YAML file. @throws Error where it does not parse */
export function yamlFile(...path: string[]): Tree[] {
  return parseAllDocuments(read(DEPLOY, ...path)).map((document) => {
    if (document.errors[0] !== undefined) throw new Error(`${path.join('/')}: ${document.errors[0].message}`);
    return document.toJS() as Tree;
  });
}

const KEY = Buffer.alloc(32, 1).toString('base64url');

/** What an operator's secrets are, for a configuration that is only looked at. */
const SECRETS: Record<string, string> = {
  GITHUB_CLIENT_SECRET: 'secret',
  DATABASE_URL: 'postgres://u:p@h/d',
  SESSION_SECRETS: KEY,
  CREDENTIAL_KEYS: KEY,
  COPILOT_CONNECTION_TOKEN: 'token',
};

const VARIABLES = new Set(configVariables().flatMap(({ name, secret }) => (secret ? [name, `${name}_FILE`] : [name])));

/** Complaints about variables that do not exist, and about settings the gateway would refuse. */
function settingProblems(where: string, env: Record<string, string>): string[] {
  const unknown = Object.keys(env).filter((name) => !VARIABLES.has(name) && name !== 'NODE_ENV');
  const filled = Object.entries(env).map(([name, value]): [string, string] => {
    const secret = name.replace(/_FILE$/, '');
    return secret === name
      ? [name, value.replace(/\$\{\w+(?::-([^}]*))?(?::\?[^}]*)?\}/, '$1') || 'x']
      : [secret, SECRETS[secret] ?? 'x'];
  });
  try {
    parseConfig(
      Object.fromEntries(filled.map(([name, value]) => [name, name === 'GITHUB_ALLOWED_ORGS' ? 'acme' : value])),
    );
    return unknown.map((name) => `${where}: there is no variable ${name}`);
  } catch (error) {
    return [
      ...unknown.map((name) => `${where}: there is no variable ${name}`),
      `${where}: ${(error as Error).message}`,
    ];
  }
}

function pinned(image: unknown): boolean {
  return /:v?\d+[\w.-]*$|@sha256:/.test(String(image)) && !/:latest$/.test(String(image));
}

function checkCompose(): string[] {
  const problems: string[] = [];
  for (const file of ['compose.yaml', 'compose.demo.yaml']) {
    const [compose] = yamlFile(file);
    for (const [name, service] of Object.entries((at(compose, 'services') ?? {}) as Tree)) {
      const where = `${file}: ${name}`;
      if (!pinned(at(service, 'image'))) problems.push(`${where}: the image is not pinned`);
      for (const kind of ['secrets', 'networks', 'volumes'] as const) {
        const declared = keysAt(compose, kind);
        const used = listAt(service, kind).map((entry) => String(entry).split(':', 1)[0] ?? '');
        problems.push(...used.filter((use) => !declared.includes(use)).map((use) => `${where}: ${kind} has no ${use}`));
      }
      for (const needed of keysAt(service, 'depends_on'))
        if (at(compose, 'services', needed) === undefined) problems.push(`${where}: there is no service ${needed}`);
      const dockerfile = at(service, 'build', 'dockerfile');
      if (dockerfile !== undefined && !existsSync(join(ROOT, String(dockerfile))))
        problems.push(`${where}: no ${String(dockerfile)}`);
    }
  }
  const env = at(yamlFile('compose.yaml')[0], 'services', 'gateway', 'environment') as Record<string, string>;
  return [...problems, ...settingProblems('compose.yaml: gateway', env)];
}

function checkDockerfiles(): string[] {
  const problems: string[] = [];
  for (const [where, text] of [
    ['Dockerfile', read(ROOT, 'Dockerfile')],
    ['copilot-cli.Dockerfile', read(DEPLOY, 'copilot-cli.Dockerfile')],
  ] as const) {
    for (const [, image] of text.matchAll(/^FROM (\S+)/gm))
      if (!pinned(image)) problems.push(`${where}: ${image} is not pinned`);
    if (!/^USER (?!root|0)/m.test(text)) problems.push(`${where}: it runs as root`);
    if (!/^HEALTHCHECK/m.test(text)) problems.push(`${where}: there is no HEALTHCHECK`);
    for (const [, sources = ''] of text.matchAll(/^COPY (?!--)(.+) \S+$/gm))
      for (const source of sources.split(' '))
        if (!existsSync(join(ROOT, source))) problems.push(`${where}: there is no ${source} to copy`);
  }
  const entry = /^CMD \["node", "([^"]+)"\]/m.exec(read(ROOT, 'Dockerfile'))?.[1] ?? '';
  if (!existsSync(join(ROOT, entry))) problems.push('Dockerfile: CMD starts nothing');
  return problems;
}

function checkKubernetes(): string[] {
  const objects = ['gateway.yaml', 'copilot-cli.yaml', 'network.yaml'].flatMap((file) => yamlFile('kubernetes', file));
  const workloads = objects.filter((object) => ['Deployment', 'StatefulSet'].includes(String(object.kind)));
  const problems: string[] = [];
  for (const workload of workloads) {
    const where = `kubernetes: ${String(at(workload, 'metadata', 'name'))}`;
    const labels = JSON.stringify(at(workload, 'spec', 'template', 'metadata', 'labels'));
    if (JSON.stringify(at(workload, 'spec', 'selector', 'matchLabels')) !== labels)
      problems.push(`${where}: it selects other pods`);
    if (at(workload, 'spec', 'template', 'spec', 'securityContext', 'runAsNonRoot') !== true)
      problems.push(`${where}: it may run as root`);
    for (const container of listAt(workload, 'spec', 'template', 'spec', 'containers')) {
      if (!pinned(at(container, 'image'))) problems.push(`${where}: the image is not pinned`);
      if (at(container, 'resources', 'limits', 'memory') === undefined) problems.push(`${where}: no memory limit`);
      if (at(container, 'readinessProbe') === undefined) problems.push(`${where}: no readiness probe`);
    }
  }
  const labelSets = workloads.map((workload) => JSON.stringify(at(workload, 'spec', 'template', 'metadata', 'labels')));
  const ports = workloads.flatMap((workload) =>
    listAt(workload, 'spec', 'template', 'spec', 'containers', 0, 'ports').map((port) => at(port, 'name')),
  );
  for (const object of objects.filter(({ kind }) => kind === 'Service')) {
    const where = `kubernetes: service ${String(at(object, 'metadata', 'name'))}`;
    if (!labelSets.includes(JSON.stringify(at(object, 'spec', 'selector'))))
      problems.push(`${where}: it selects nothing`);
    for (const port of listAt(object, 'spec', 'ports'))
      if (!ports.includes(at(port, 'targetPort'))) problems.push(`${where}: no port ${String(at(port, 'targetPort'))}`);
  }
  const settings = at(
    objects.find(({ kind }) => kind === 'ConfigMap'),
    'data',
  ) as Record<string, string>;
  const grace = Number(at(workloads[0], 'spec', 'template', 'spec', 'terminationGracePeriodSeconds'));
  if (grace < Number(settings.SHUTDOWN_GRACE_SECONDS) + 8)
    problems.push('kubernetes: pods are killed before the grace is over');
  return [...problems, ...settingProblems('kubernetes: ConfigMap', { ...settings, ...SECRETS }), ...rendered()];
}

/** `kubectl kustomize`, where there is one. */
function rendered(): string[] {
  const result = spawnSync('kubectl', ['kustomize', join(DEPLOY, 'kubernetes')], { encoding: 'utf8', timeout: 20_000 });
  if (result.error !== undefined) return [];
  return result.status === 0 ? [] : [`kubernetes: ${result.stderr.trim()}`];
}

function checkSystemd(): string[] {
  const problems: string[] = [];
  const directory = mkdtempSync(join(tmpdir(), 'pilothouse-units-'));
  try {
    for (const unit of ['pilothouse.service', 'copilot-cli.service']) {
      const text = read(DEPLOY, 'systemd', unit);
      for (const line of ['NoNewPrivileges=yes', 'ProtectSystem=strict', 'Restart=always', 'User='])
        if (!text.includes(line)) problems.push(`${unit}: ${line} is missing`);
      // The programs are not installed here; everything else about the unit is checked.
      writeFileSync(join(directory, unit), text.replace(/^ExecStart=\S+/m, 'ExecStart=/bin/true'));
      const result = spawnSync('systemd-analyze', ['verify', '--man=no', join(directory, unit)], {
        encoding: 'utf8',
        timeout: 20_000,
      });
      const told =
        result.error === undefined ? result.stderr.split('\n').filter((line) => line.includes(directory)) : [];
      problems.push(...told.map((line) => `${unit}: ${line.replace(directory, '')}`));
    }
  } finally {
    rmSync(directory, { recursive: true });
  }
  const entry = /ExecStart=\S+ (\S+)/.exec(read(DEPLOY, 'systemd', 'pilothouse.service'))?.[1] ?? '';
  return existsSync(join(ROOT, entry)) ? problems : [...problems, `pilothouse.service: there is no ${entry}`];
}

async function checkMonitoring(): Promise<string[]> {
  const problems: string[] = [];
  const metrics = new GatewayMetrics({ version: '', topology: '', engine: '' });
  metrics.sample({ engine: { running: 0, draining: false }, runtimes: { status: () => [] }, streams: { size: 0 } });
  const names = new Set((await metrics.registry.getMetricsAsJSON()).map(({ name }) => name));
  const dashboard = read(DEPLOY, 'monitoring', 'dashboard.json');
  JSON.parse(dashboard);
  const alerts = read(DEPLOY, 'monitoring', 'alerts.yaml');
  for (const [, name = ''] of `${dashboard}\n${alerts}`.matchAll(/\b((?:pilothouse|nodejs|process)_[a-z0-9_]+)/g))
    if (!names.has(name) && !names.has(name.replace(/_(bucket|count|sum)$/, '')))
      problems.push(`monitoring: there is no metric ${name}`);
  const runbook = read(ROOT, 'docs', 'operations.md');
  for (const rule of listAt(yamlFile('monitoring', 'alerts.yaml')[0], 'groups', 0, 'rules')) {
    const [file, anchor = ''] = String(at(rule, 'annotations', 'runbook')).split('#');
    const known = [...runbook.matchAll(/^#+ (.+)$/gm)].map(([, title = '']) =>
      title
        .toLowerCase()
        .replace(/[^a-z0-9 -]/g, '')
        .replaceAll(' ', '-'),
    );
    if (file !== 'docs/operations.md' || !known.includes(anchor))
      problems.push(`monitoring: ${String(at(rule, 'alert'))} leads to no runbook`);
  }
  return problems;
}

/** Everything that is wrong with the packages. */
export async function checkDeploy(): Promise<string[]> {
  return [
    ...checkDockerfiles(),
    ...checkCompose(),
    ...checkKubernetes(),
    ...checkSystemd(),
    ...(await checkMonitoring()),
  ];
}

if (import.meta.main) {
  const problems = await checkDeploy();
  for (const problem of problems) console.error(problem);
  console.log(problems.length === 0 ? 'The packages hang together.' : `${problems.length} to mend.`);
  process.exitCode = problems.length === 0 ? 0 : 1;
}
