import { parseArgs } from 'node:util';
import { type StandInOptions, startStandIn } from './stand-in.ts';

/*
 * The stand-in as a process of its own, for tests that need one:
 *   node src/demo/stand-in-main.ts --port 4000 --tokens expiring --first-token-ms 300 --token-ms 20
 * Prints one line of JSON with its URLs and client credentials when it listens; ends at SIGTERM or SIGINT.
 */

const { values } = parseArgs({
  options: {
    host: { type: 'string' },
    port: { type: 'string', default: '0' },
    'client-id': { type: 'string' },
    'client-secret': { type: 'string' },
    tokens: { type: 'string', default: 'classic' },
    'access-token-seconds': { type: 'string' },
    'first-token-ms': { type: 'string', default: '0' },
    'token-ms': { type: 'string', default: '0' },
  },
});

const options: StandInOptions = {
  port: Number(values.port),
  tokens: values.tokens === 'expiring' ? 'expiring' : 'classic',
  pace: { firstTokenMs: Number(values['first-token-ms']), tokenMs: Number(values['token-ms']) },
};
if (values.host !== undefined) options.host = values.host;
if (values['client-id'] !== undefined) options.clientId = values['client-id'];
if (values['client-secret'] !== undefined) options.clientSecret = values['client-secret'];
if (values['access-token-seconds'] !== undefined) options.accessTokenSeconds = Number(values['access-token-seconds']);

const standIn = await startStandIn(options);
const { url, githubUrl, githubApiUrl, copilotApiUrl, debugGitHubApiUrl, clientId, clientSecret } = standIn;
console.log(JSON.stringify({ url, githubUrl, githubApiUrl, copilotApiUrl, debugGitHubApiUrl, clientId, clientSecret }));
for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, () => void standIn.close());
