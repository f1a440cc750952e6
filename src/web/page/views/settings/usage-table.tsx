import type { UsageRow } from '../../api/shapes.ts';
import { usePage } from '../../parts/page-context.ts';
import { useResource } from './use-resource.ts';

/** Turns and tokens by model. Left out where the gateway keeps no ledger. */
export function UsageTable() {
  const { api, translator } = usePage();
  const { t } = translator;
  const usage = useResource(api.usage);
  const rows = usage.value?.items ?? [];
  if (rows.length === 0) return null;
  return (
    <>
      <h3>{t('usage')}</h3>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <section class="table" tabIndex={0} aria-label={t('usage')}>
        <table>
          <thead>
            <tr>
              <th scope="col">{t('model')}</th>
              <th scope="col">{t('requests')}</th>
              <th scope="col">{t('inputTokens')}</th>
              <th scope="col">{t('outputTokens')}</th>
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <Row key={`${row.model}`} row={row} />
            ))}
          </tbody>
        </table>
      </section>
    </>
  );
}

function Row({ row }: { row: UsageRow }) {
  const { translator } = usePage();
  return (
    <tr>
      <th scope="row">{row.model ?? '–'}</th>
      <td>{translator.number(row.requests)}</td>
      <td>{translator.number(row.inputTokens)}</td>
      <td>{translator.number(row.outputTokens)}</td>
    </tr>
  );
}
