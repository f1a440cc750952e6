import { CopilotClient, RuntimeConnection } from '@github/copilot-sdk';
import { within } from '../deadline.ts';
import { RuntimeHost } from '../runtime-host.ts';
import type { RuntimeParts } from '../runtime-parts.ts';
import { acknowledgeSoon, onConnectionClose, sendWithoutDelay, silenceWriteErrors } from '../sdk-internals.ts';
import { checkServer } from '../server-check.ts';
import { runtimeUnavailable } from '../unavailable.ts';
import type { OpenTopology } from './topology.ts';

/** With more runs at once there is traffic enough for the acknowledgements to ride on. */
const QUIET_RUNS = 8;

/**
 * Headless servers of somebody else's over TCP, as in GitHub's guide: sessions with their users' tokens, state on the
 * servers' own volumes. A lost server's sessions are rebuilt elsewhere from our history.
 */
export const openExternal: OpenTopology = async (parts) => ({
  name: 'external',
  state: 'runtime',
  slots: parts.config.copilot.cliUrls,
  warmSessions: 200,
  filledAhead: true,
  recycles: false,
  start: (slot) => connectTo(slot, parts),
  tick: async () => undefined,
  close: async () => undefined,
});

/** A client is good for one connection: after a failed start it is dead for good (1.0.14). */
async function connectTo(url: string, parts: RuntimeParts): Promise<RuntimeHost> {
  const { connectionToken } = parts.config.copilot;
  const gone = new AbortController();
  const client = new CopilotClient({
    connection: RuntimeConnection.forUri(url, connectionToken === null ? {} : { connectionToken }),
    mode: 'empty',
    clientInfo: { applicationName: 'pilothouse' },
    ...(parts.traceContext && { onGetTraceContext: parts.traceContext }),
  });
  silenceWriteErrors(client);
  try {
    const cut = AbortSignal.any([AbortSignal.timeout(parts.timings.start), parts.closing]);
    await checkServer(url, connectionToken !== null, cut);
    await within(client.start(), { what: `connecting to ${url}`, ms: parts.timings.start, signals: [cut] });
    sendWithoutDelay(client);
    onConnectionClose(client, () => gone.abort(runtimeUnavailable('the connection to the server closed')));
  } catch (error) {
    await client.forceStop();
    throw runtimeUnavailable(error);
  }
  const host = new RuntimeHost(
    { name: url, slot: url, client, pid: null, state: 'runtime', gone, dispose: async () => undefined },
    parts,
  );
  acknowledgeSoon(client, () => host.uses > 0 && host.uses <= QUIET_RUNS);
  return host;
}
