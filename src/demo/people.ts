import { createHash } from 'node:crypto';

/** Someone who can sign in at the stand-in. */
export interface StandInPerson {
  /** GitHub's numeric id: what a person is known by when their login changes. */
  id: number;
  login: string;
  name: string;
  avatarUrl: string;
  /** Logins of the organizations they belong to. */
  orgs: string[];
  /** `none` has no Copilot access. Default: `individual`. */
  plan?: 'individual' | 'business' | 'none';
}

/** This organization answers as GitHub does when the token has no SAML SSO authorization. */
export const SSO_ORG = 'sso-org';
/** This organization answers as GitHub does when it has not approved the OAuth app. */
export const RESTRICTED_ORG = 'restricted-org';

/** The people of the demo. Their avatars are paths of the stand-in itself, so that no page needs the network. */
export function defaultPeople(): StandInPerson[] {
  return [
    person(1001, 'mona', 'Mona Lisa', ['acme'], 'business'),
    person(1002, 'hubot', 'Hubot', ['acme', 'globex'], 'business'),
    person(1003, 'octavia', 'Octavia Reef', ['acme'], 'individual'),
    person(1004, 'lovelace', 'Ada Lovelace', [], 'individual'),
    person(1005, 'samuel', 'Samuel Sign-On', [SSO_ORG], 'business'),
    person(1006, 'renata', 'Renata Restricted', [RESTRICTED_ORG], 'business'),
    person(1007, 'nocopilot', 'Noa Copilotless', ['globex'], 'none'),
  ];
}

function person(
  id: number,
  login: string,
  name: string,
  orgs: string[],
  plan: 'individual' | 'business' | 'none',
): StandInPerson {
  return { id, login, name, orgs, plan, avatarUrl: `/avatars/${id}` };
}

/** A number for an organization that is the same in every process. */
export function organizationId(org: string): number {
  return createHash('sha256').update(org).digest().readUInt32BE(0) % 100_000_000;
}

/** A small picture: the person's initials on a colour that follows from their id. */
export function avatarSvg(person: StandInPerson): string {
  const initials = person.name
    .split(/\s+/)
    .map((word) => word[0] ?? '')
    .join('')
    .replace(/[^\p{L}]/gu, '')
    .slice(0, 2)
    .toUpperCase();
  const hue = (person.id * 137) % 360;
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 80 80" role="img">` +
    `<rect width="80" height="80" fill="hsl(${hue} 45% 38%)"/>` +
    `<text x="40" y="51" font-family="system-ui,sans-serif" font-size="32" fill="#fff" text-anchor="middle">${initials}</text></svg>`
  );
}
