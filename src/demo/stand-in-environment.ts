/** How a gateway is told to take the stand-in for GitHub and Copilot. */
import type { StandIn } from './stand-in.ts';

/** Where the parts of a stand-in are reached, and as which app. */
export type StandInPlaces = Pick<
  StandIn,
  'githubUrl' | 'githubApiUrl' | 'clientId' | 'clientSecret' | 'copilotApiUrl' | 'debugGitHubApiUrl'
>;

/** Environment variables of a gateway that talks to `standIn`. */
export function standInEnvironment(standIn: StandInPlaces): Record<string, string> {
  return {
    GITHUB_URL: standIn.githubUrl,
    GITHUB_API_URL: standIn.githubApiUrl,
    GITHUB_CLIENT_ID: standIn.clientId,
    GITHUB_CLIENT_SECRET: standIn.clientSecret,
    COPILOT_API_URL: standIn.copilotApiUrl,
    COPILOT_DEBUG_GITHUB_API_URL: standIn.debugGitHubApiUrl,
  };
}
