/** What Copilot still allows, and what went through this gateway. */
import type { Quota } from '../../api/shapes.ts';
import { usePage } from '../../parts/page-context.ts';
import { ResourceState } from './resource-state.tsx';
import { UsageTable } from './usage-table.tsx';
import { useResource } from './use-resource.ts';

export function UsageSection() {
  const { api, translator } = usePage();
  const { t } = translator;
  const quota = useResource(api.quota);
  return (
    <>
      <h3>{t('quota')}</h3>
      <ResourceState resource={quota} />
      <ul class="rows">
        {(quota.value?.items ?? []).map((item) => (
          <QuotaRow key={item.name} quota={item} />
        ))}
      </ul>
      {quota.value?.items.length === 0 ? <p>{t('noQuota')}</p> : null}
      <UsageTable />
    </>
  );
}

function QuotaRow({ quota }: { quota: Quota }) {
  const { translator } = usePage();
  const { t } = translator;
  const { remainingPercentage: left, used, entitlement } = quota;
  const name = quota.name.replaceAll('_', ' ');
  return (
    <li>
      <div class="row-text grow">
        <strong>{name}</strong>
        {quota.unlimited ? <span>{t('unlimited')}</span> : null}
        {quota.unlimited || left === null ? null : (
          <meter min={0} max={100} low={15} value={left} aria-label={t('quotaLeft', { name })}>
            {left}
          </meter>
        )}
        {quota.unlimited || used === null || entitlement === null ? null : (
          <span>{t('usedOf', { used, entitlement })}</span>
        )}
        {quota.resetsAt === null ? null : <span>{t('resets', { date: translator.date(quota.resetsAt) })}</span>}
      </div>
    </li>
  );
}
