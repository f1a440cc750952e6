/**
 * `npm run demo`: the real gateway, the real Copilot runtime, and a local stand-in of GitHub and of Copilot's model API, so
 * that a newcomer without a GitHub app or network signs in and chats within a minute.
 */

import { parseConfig } from '../config.ts';
import { openGateway } from '../gateway.ts';
import { openLogger } from '../process-life.ts';
import { type StandIn, startStandIn } from './stand-in.ts';
import { standInEnvironment } from './stand-in-environment.ts';

/** A pace at which one can read along, in milliseconds. */
const HUMAN_PACE = { firstTokenMs: 400, tokenMs: 25 };

async function demo(): Promise<void> {
  const standIn = await startStandInNear(Number(process.env.PORT ?? 3000) + 1);
  const config = parseConfig({
    DATA_DIR: './data/demo',
    LOG_LEVEL: 'warn',
    ...process.env,
    ...standInEnvironment(standIn),
  });
  const logger = await openLogger(config);
  const gateway = await openGateway(config, logger);
  const stop = () => {
    void gateway
      .shutdown()
      .then(() => standIn.close())
      .finally(() => process.exit(0));
  };
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  await gateway.listen();
  console.log(`
  Pilothouse demo is ready.

    Open    ${config.publicUrl.origin}
    People  ${standIn.people.map(({ login }) => login).join(', ')} (choose one on the sign-in page)

  GitHub and Copilot's model are played by a stand-in on this machine; the gateway and the Copilot runtime are real.
  Chats are kept in ${config.dataDir}. Ctrl+C ends it.
`);
}

/** On the next port if it is free, so that what a browser remembers of it still holds after a restart; else on any. */
async function startStandInNear(port: number): Promise<StandIn> {
  const options = { pace: HUMAN_PACE, tokens: 'expiring' } as const;
  try {
    return await startStandIn({ ...options, port });
  } catch {
    return startStandIn(options);
  }
}

await demo();
