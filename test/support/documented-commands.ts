/** The commands that README and docs/ tell people to run, as they stand there. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..', '..');

/** One command, in one line and without its comment. */
export interface DocumentedCommand {
  readonly file: string;
  readonly command: string;
}

/** What an inline piece of code begins with when it is a command and not a name. */
const PROGRAMS =
  /^(npm (ci|test|start|run \S)|npx (?!node$)\S|node (--test |\S+\/)|docker \S|kubectl \S|systemctl \S|apt-get \S|git \S|curl \S|pg_dump \S|pg_restore \S|openssl \S|copilot \S)/;

/** Documents for people who run, use or change the gateway. */
export function documents(): string[] {
  const docs = readdirSync(join(ROOT, 'docs')).filter((name) => name.endsWith('.md'));
  return ['README.md', 'SECURITY.md', ...docs.map((name) => `docs/${name}`)];
}

/** Every command of every document, once per document. */
export function documentedCommands(): DocumentedCommand[] {
  return documents().flatMap((file) => {
    const text = readFileSync(join(ROOT, file), 'utf8');
    const inline = text.replace(/^```[\s\S]*?^```/gm, '').matchAll(/`([^`\n]+)`/g);
    const named = [...inline].map((match) => match[1] ?? '').filter((code) => PROGRAMS.test(code));
    const fenced = shellBlocks(text).flatMap(commandsOf);
    return [...new Set([...fenced, ...named])].map((command) => ({ file, command }));
  });
}

/** The fenced blocks of shell. */
export function shellBlocks(text: string): string[] {
  return [...text.matchAll(/^```(?:sh|bash|shell|console)\n([\s\S]*?)^```/gm)].map((match) => match[1] ?? '');
}

function commandsOf(block: string): string[] {
  return block
    .replace(/\\\n\s*/g, '')
    .split('\n')
    .map((line) => line.replace(/\s+#.*$/, '').trim())
    .filter((line) => line !== '');
}
