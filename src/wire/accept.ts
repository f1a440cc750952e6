/** What a caller takes, by its `Accept` header (RFC 9110 section 12.5.1). Pure. */

/** The weight of a media type in `accept`; null: not named. */
function weightOf(accept: string, type: string): number | null {
  for (const range of accept.toLowerCase().split(',')) {
    const [name, ...parameters] = range.split(';').map((part) => part.trim());
    if (name !== type) continue;
    const weight = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2);
    return weight !== undefined && /^(0(\.\d{0,3})?|1(\.0{0,3})?)$/.test(weight) ? Number(weight) : 1;
  }
  return null;
}

/**
 * Whether events are to be streamed: they are asked for by name, and more than JSON, which a wildcard asks for too. Who
 * names both alike gets the events: JSON is what one gets without asking.
 */
export function prefersEventStream(accept: string | undefined): boolean {
  if (accept === undefined) return false;
  const stream = weightOf(accept, 'text/event-stream') ?? 0;
  if (stream === 0) return false;
  const named = weightOf(accept, 'application/json');
  if (named !== null) return stream >= named;
  return stream > (weightOf(accept, 'application/*') ?? weightOf(accept, '*/*') ?? 0);
}
