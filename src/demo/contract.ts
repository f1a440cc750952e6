import type { Fault, GitHubFault } from './faults.ts';
import type { StandInModel } from './models.ts';
import type { StandInPerson } from './people.ts';
import type { ModelRequest, SeenRequest } from './request-log.ts';

/** How the stand-in is to be. Everything has a default. */
export interface StandInOptions {
  /** Default `127.0.0.1`. */
  host?: string;
  /** Default 0: any free one. */
  port?: number;
  people?: StandInPerson[];
  clientId?: string;
  clientSecret?: string;
  /** Registered callback URLs. Default null: any loopback one. */
  redirectUris?: string[] | null;
  /** Time before the first delta and between deltas, in milliseconds. Default none. Above zero, answers are lively. */
  pace?: { firstTokenMs: number; tokenMs: number };
  /** `classic` (default): `gho_…` that do not expire. `expiring`: a GitHub App's `ghu_…` with single-use `ghr_…`. */
  tokens?: 'classic' | 'expiring';
  /** Lifetime of expiring access tokens. Default 28 800, GitHub's eight hours. */
  accessTokenSeconds?: number;
}

/** A running stand-in of GitHub and of Copilot's model API. */
export interface StandIn {
  /** Origin. */
  url: string;
  /** For GITHUB_URL. */
  githubUrl: string;
  /** For GITHUB_API_URL; the origin itself works as well. */
  githubApiUrl: string;
  /** For COPILOT_API_URL. */
  copilotApiUrl: string;
  /** For COPILOT_DEBUG_GITHUB_API_URL. */
  debugGitHubApiUrl: string;
  clientId: string;
  clientSecret: string;
  people: StandInPerson[];
  /** A live user token with the scopes `read:user read:org`, without the browser. */
  issueToken(login: string): string;
  revokeToken(token: string): void;
  revokeAllTokens(login: string): void;
  isTokenLive(token: string): boolean;
  /**
   * Plays the browser on the authorize page.
   * @returns the callback URL to which GitHub redirects
   * @throws Error if the page refuses the request or does not offer that person
   */
  authorize(authorizeUrl: string, login: string, decision?: 'allow' | 'deny'): Promise<string>;
  /** Chat completions that came, newest last; the newest 10 000, and 128 MiB of them at most. */
  modelRequests: ModelRequest[];
  /** Requests of any kind, newest last; the newest 10 000. */
  requests: SeenRequest[];
  /** Makes every model call go wrong so, until null is set. A directive in a prompt comes first. */
  setFault(fault: Fault | null): void;
  /** Makes GitHub (OAuth, REST, `copilot_internal`) go wrong so, until null is set. */
  setGitHubFault(fault: GitHubFault | null): void;
  /** A person's models, or everyone's (login null); models null: back to the default. */
  setModels(login: string | null, models: StandInModel[] | null): void;
  /** Ends open connections at once, then the listener. */
  close(): Promise<void>;
}
