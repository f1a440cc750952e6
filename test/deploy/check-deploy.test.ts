/** The packages: what can be known of them without building them. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { checkDeploy } from '../../scripts/check-deploy.ts';

it('Images are pinned, references lead somewhere, settings are accepted, metrics and runbooks exist', async () => {
  assert.deepEqual(await checkDeploy(), []);
});
