/** Why there is no runtime to be had, each said in one way. */
import { GatewayError } from '../errors.ts';

/** The runtime went away, could not be reached or did not answer. */
export function runtimeUnavailable(cause: unknown): GatewayError {
  return new GatewayError('runtime_unavailable', 'The Copilot runtime is not available right now. Try again.', {
    cause,
    retryAfter: 1,
  });
}

/** The limit is reached and nothing can give way. */
export function runtimesBusy(): GatewayError {
  return new GatewayError('runtimes_busy', 'All Copilot runtimes are busy. Try again shortly.', { retryAfter: 2 });
}

/** What everybody hears while the gateway closes. */
export function shuttingDown(): GatewayError {
  return new GatewayError('shutting_down', 'The gateway is shutting down. Try again shortly.', { retryAfter: 2 });
}
