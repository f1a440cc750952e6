/** The page held against WCAG by axe. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Page } from './browser.ts';

interface AxeResult {
  violations: { id: string; help: string; nodes: { html: string; failureSummary?: string }[] }[];
}

/**
 * Fails with everything that is wrong, by the rules of WCAG 2.0 to 2.2, A and AA, and best practices. The page's policy would
 * not let the checker in: its context needs `bypassCSP`.
 */
export async function checkForEveryone(page: Page, view: string): Promise<void> {
  await page.evaluate(await readFile(fileURLToPath(import.meta.resolve('axe-core/axe.min.js')), 'utf8'));
  // Colours that are on their way to others have no contrast to speak of.
  await page.evaluate(() =>
    Promise.all(
      document
        .getAnimations()
        .filter((it) => it instanceof CSSTransition)
        .map((it) => it.finished.catch(() => undefined)),
    ),
  );
  const result = await page.evaluate(async () => {
    const checker = (globalThis as unknown as { axe: { run: (options: unknown) => Promise<AxeResult> } }).axe;
    const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
    return checker.run({ runOnly: tags, resultTypes: ['violations'] });
  });
  const told = result.violations.map(
    ({ id, help, nodes }) =>
      `${id}: ${help}\n${nodes.map((node) => `  ${node.html}\n  ${node.failureSummary ?? ''}`).join('\n')}`,
  );
  assert.deepEqual(told, [], view);
}
