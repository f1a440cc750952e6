/** A random key. `crypto.randomUUID` is missing where a gateway is served over plain HTTP in a private network. */
export function newKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
