/** What a person is told when sign-in does not work, and what they can do. Pure. */
import type { Config } from '../config.ts';
import { GatewayError } from '../errors.ts';
import type { Refusal } from './membership.ts';

/** The person may not enter; `actionUrl` is where on GitHub they can change that. */
export function refusedBy(refusal: Refusal, github: Pick<Config['github'], 'url' | 'clientId'>): GatewayError {
  const refused = (detail: string, extensions: Record<string, unknown> = {}) =>
    new GatewayError('sign_in_refused', detail, { extensions: { reason: refusal.kind, ...extensions } });
  switch (refusal.kind) {
    case 'not_listed':
      return refused(
        'Your GitHub account is not among those that may use this gateway. Ask whoever runs it to add you.',
      );
    case 'sso_required':
      return refused(
        `The organization ${refusal.org} uses single sign-on: authorize it for this sign-in on GitHub, then try again.`,
        { org: refusal.org, actionUrl: refusal.url ?? `${github.url}/orgs/${encodeURIComponent(refusal.org)}/sso` },
      );
    case 'app_restricted':
      return refused(
        `The organization ${refusal.org} has not approved this gateway. Request its approval on GitHub, or ask an owner of the organization, then try again.`,
        {
          org: refusal.org,
          actionUrl: `${github.url}/settings/connections/applications/${encodeURIComponent(github.clientId)}`,
        },
      );
    case 'not_visible':
      return refused(
        `GitHub does not tell this gateway whether you belong to ${refusal.org}. Ask whoever runs the gateway to check its GitHub permissions.`,
        { org: refusal.org },
      );
  }
}

/** The callback does not belong to a sign-in of this browser, or came twice or too late. */
export function expired(): GatewayError {
  return new GatewayError(
    'sign_in_failed',
    'This sign-in was not started in this browser, was already used, or took too long. Try again.',
  );
}

/** GitHub sent the browser back with an `error` in place of a code. */
export function deniedAtGitHub(error: string): GatewayError {
  const detail =
    error === 'access_denied'
      ? 'You did not authorize the gateway at GitHub, so you are not signed in.'
      : 'GitHub could not complete the sign-in. If trying again does not help, tell whoever runs the gateway.';
  return new GatewayError('sign_in_failed', detail, { extensions: { reason: error } });
}

/** The token endpoint gave no token. `error` is GitHub's word for it. */
export function noToken(error: string): GatewayError {
  return new GatewayError('sign_in_failed', 'GitHub did not accept the sign-in. Try again.', {
    extensions: { reason: error },
    cause: new Error(`token endpoint: ${error}`),
  });
}
