/** A gateway in small, to be killed: opens isolated runtimes and streams a turn. Says the runtime's pid, then each text. */
import { openRuntimes } from '../../src/runtimes/open-runtimes.ts';
import { MemorySessionFiles } from './runtime-memory-files.ts';
import { runtimesOf } from './runtime-processes.ts';
import { leaseRequest, recordingLogger, runtimeConfig, say } from './runtime-settings.ts';

const [dataDir = '', url = '', token = ''] = process.argv.slice(2);
const config = runtimeConfig({ dataDir, copilotApiUrl: url, debugGitHubApiUrl: url });
const runtimes = await openRuntimes(config, { sessionFiles: new MemorySessionFiles(), logger: recordingLogger() });
const user = { userId: '1', credential: { kind: 'github' as const, token, version: 1 } };
const lease = await runtimes.lease(leaseRequest(user, 'doomed'), AbortSignal.timeout(30_000));
console.log(`pid ${runtimesOf(dataDir)[0]?.pid}`);
for await (const event of lease.run(say('[[tokens:500]] [[pace:20]]'), AbortSignal.timeout(30_000))) {
  if (event.type === 'text') console.log(event.text);
}
