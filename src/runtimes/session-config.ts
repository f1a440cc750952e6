/**
 * The complete configuration of a runtime session. Create and resume get the same: a resume that leaves something out
 * falls back to the runtime's own, its coding-agent prompt and tools included (1.0.85).
 */
import type { ResumeSessionConfig, SessionEvent, SessionFsProvider } from '@github/copilot-sdk';
import type { Config } from '../config.ts';
import { GatewayError } from '../errors.ts';
import type { LeaseRequest, RuntimeCredential } from './runtime-port.ts';

/** What ties a session to its place. */
export interface SessionHooks {
  readonly onEvent: (event: SessionEvent) => void;
  /** Null: the runtime keeps the state itself. */
  readonly files: SessionFsProvider | null;
}

type Asked = Pick<LeaseRequest, 'model' | 'systemMessage'> & { readonly credential: RuntimeCredential };

/** Configuration for `createSession` and `resumeSession` alike. */
export function sessionConfig(config: Config, asked: Asked, hooks: SessionHooks): ResumeSessionConfig {
  const { files } = hooks;
  return {
    clientName: 'pilothouse',
    streaming: true,
    availableTools: [],
    systemMessage: { mode: 'replace', content: asked.systemMessage },
    // Even in empty mode the runtime would call the built-in server with the user's token (1.0.85).
    disabledMcpServers: ['github-mcp-server'],
    enableSessionStore: false,
    onPermissionRequest: () => ({ kind: 'reject', feedback: 'This chat has no tools.' }),
    // Unanswered, the full CLI 1.0.102 would wait for it after a rate limit and never be idle.
    onAutoModeSwitchRequest: () => 'no',
    onEvent: hooks.onEvent,
    ...(asked.model !== null && { model: asked.model }),
    ...(files && { createSessionFsProvider: () => files }),
    ...payment(config, asked),
  };
}

/** A token or a provider, never both, never neither: a BYOK chat resumed with a token alone would go to Copilot. */
function payment(config: Config, asked: Asked): Pick<ResumeSessionConfig, 'gitHubToken' | 'provider' | 'model'> {
  const { credential } = asked;
  if (credential.kind === 'byok') return providerOf(config, asked.model);
  if (credential.token !== '') return { gitHubToken: credential.token };
  // A server of others may hold the service's token itself; a runtime of ours has none of its own.
  if (credential.kind === 'service' && config.copilot.topology === 'external') return {};
  throw new GatewayError('reauth_required', 'There is no GitHub token to use. Sign in again.');
}

function providerOf(config: Config, asked: string | null): Pick<ResumeSessionConfig, 'provider' | 'model'> {
  const { provider } = config.copilot;
  const model = asked ?? config.copilot.defaultModel ?? provider?.models[0];
  if (!provider || model === undefined) {
    throw new GatewayError('model_unavailable', 'No model of the configured provider is named.');
  }
  const { type, baseUrl, apiKey } = provider;
  return { model, provider: { type, baseUrl, ...(apiKey !== null && { apiKey }) } };
}

/** What must be equal for a live session to be used again as it is. Holds no secret. */
export function sessionFingerprint(request: LeaseRequest): string {
  const { credential } = request.user;
  const version = credential.kind === 'github' ? credential.version : 0;
  return JSON.stringify([credential.kind, version, request.model, request.systemMessage]);
}
