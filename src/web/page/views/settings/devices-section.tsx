/** Where one is signed in, and how to end it. */
import type { Device } from '../../api/shapes.ts';
import { browserName } from '../../model/browser-name.ts';
import { usePage } from '../../parts/page-context.ts';
import { ResourceState } from './resource-state.tsx';
import { useAction } from './use-action.ts';
import { useResource } from './use-resource.ts';

export function DevicesSection() {
  const { api, translator } = usePage();
  const { t } = translator;
  const devices = useResource(api.devices);
  const { busy, run } = useAction();
  return (
    <>
      <p>{t('devicesWhy')}</p>
      <ResourceState resource={devices} />
      <ul class="rows">
        {(devices.value?.items ?? []).map((device) => (
          <DeviceRow
            key={device.id}
            device={device}
            busy={busy}
            onEnd={() => run(() => api.endDevice(device.id).then(devices.reload))}
          />
        ))}
      </ul>
      <div class="row end">
        <button
          type="button"
          class="button danger"
          disabled={busy}
          onClick={() => run(() => api.signOutEverywhere().then(() => location.assign('/')))}
        >
          {t('signOutEverywhere')}
        </button>
      </div>
    </>
  );
}

function DeviceRow({ device, busy, onEnd }: { device: Device; busy: boolean; onEnd: () => void }) {
  const { translator } = usePage();
  const { t } = translator;
  const name = browserName(device.userAgent) ?? t('unknownDevice');
  return (
    <li>
      <div class="row-text">
        <strong>{name}</strong>
        <span>
          {device.current ? t('thisDevice') : t('lastSeen', { time: translator.dateTime(device.lastSeenAt) })}
          {device.address === null ? '' : ` · ${device.address}`}
        </span>
      </div>
      {device.current ? null : (
        <button
          type="button"
          class="button small"
          disabled={busy}
          aria-label={t('endDeviceNamed', { name })}
          onClick={onEnd}
        >
          {t('endDevice')}
        </button>
      )}
    </li>
  );
}
