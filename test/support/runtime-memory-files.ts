import { posix } from 'node:path';
import type { SessionFileRepository } from '../../src/session-files.ts';

interface Node {
  kind: 'file' | 'directory';
  chunks: string[];
  createdAt: number;
  modifiedAt: number;
}

/** A fake of the store's session files, in memory: what several instances share in a test. Counts what is appended. */
export class MemorySessionFiles implements SessionFileRepository {
  readonly sessions = new Map<string, Map<string, Node>>();
  readonly unconfirmed = new Set<string>();
  /** Set: every call fails with it. */
  failure: Error | null = null;

  async read(session: string, path: string): Promise<string | null> {
    const node = this.#find(session, path);
    return node?.kind === 'file' ? node.chunks.join('') : null;
  }

  async write(session: string, path: string, content: string, now: number): Promise<void> {
    const node = this.#make(session, path, now);
    node.chunks = [content];
    node.modifiedAt = now;
  }

  async append(session: string, path: string, content: string, now: number): Promise<void> {
    const node = this.#make(session, path, now);
    node.chunks.push(content);
    node.modifiedAt = now;
  }

  async stat(session: string, path: string) {
    const node = this.#find(session, path);
    if (!node) return null;
    const size = node.chunks.reduce((sum, chunk) => sum + Buffer.byteLength(chunk), 0);
    return { kind: node.kind, size, createdAt: node.createdAt, modifiedAt: node.modifiedAt };
  }

  async mkdir(session: string, path: string, now: number): Promise<void> {
    const tree = this.#tree(session);
    for (let at = path; at !== '/'; at = posix.dirname(at)) {
      if (!tree.has(at)) tree.set(at, { kind: 'directory', chunks: [], createdAt: now, modifiedAt: now });
    }
  }

  async list(session: string, path: string): Promise<{ name: string; kind: 'file' | 'directory' }[]> {
    if (this.failure) throw this.failure;
    const tree = this.sessions.get(session) ?? new Map<string, Node>();
    return [...tree]
      .filter(([at]) => posix.dirname(at) === path)
      .map(([at, node]) => ({ name: posix.basename(at), kind: node.kind }));
  }

  async remove(session: string, path: string): Promise<boolean> {
    const tree = this.#tree(session);
    const doomed = [...tree.keys()].filter((at) => at === path || at.startsWith(`${path}/`));
    for (const at of doomed) tree.delete(at);
    return doomed.length > 0;
  }

  async rename(session: string, from: string, to: string, now: number): Promise<void> {
    const tree = this.#tree(session);
    for (const [at, node] of [...tree]) {
      if (at !== from && !at.startsWith(`${from}/`)) continue;
      tree.delete(at);
      tree.set(to + at.slice(from.length), { ...node, modifiedAt: now });
    }
  }

  async deleteSession(session: string): Promise<void> {
    if (this.failure) throw this.failure;
    this.sessions.delete(session);
  }

  async orphans(): Promise<string[]> {
    return [];
  }

  async noteDeletion(session: string): Promise<void> {
    this.unconfirmed.add(session);
  }

  async confirmDeletion(session: string): Promise<void> {
    this.unconfirmed.delete(session);
  }

  async unconfirmedDeletions(): Promise<string[]> {
    return [...this.unconfirmed];
  }

  #tree(session: string): Map<string, Node> {
    if (this.failure) throw this.failure;
    const tree = this.sessions.get(session) ?? new Map<string, Node>();
    this.sessions.set(session, tree);
    return tree;
  }

  #find(session: string, path: string): Node | undefined {
    if (this.failure) throw this.failure;
    return this.sessions.get(session)?.get(path);
  }

  #make(session: string, path: string, now: number): Node {
    const tree = this.#tree(session);
    const node = tree.get(path) ?? { kind: 'file' as const, chunks: [], createdAt: now, modifiedAt: now };
    tree.set(path, node);
    return node;
  }
}
