/** Who is signed in, and whether they still are. */
import { type ApiError, apiErrorOf } from '../api/api-error.ts';
import type { GatewayApi } from '../api/gateway-api.ts';
import type { Me } from '../api/shapes.ts';
import { Observable } from './observable.ts';

export class Session extends Observable {
  state: 'asking' | 'signedOut' | 'signedIn' | 'unreachable' = 'asking';
  me: Me | null = null;
  error: ApiError | null = null;
  /** The code of a 401 that came while one was signed in: what was typed stays, only a new sign-in is needed. */
  endedBy: string | null = null;

  async start(api: GatewayApi): Promise<void> {
    this.state = 'asking';
    this.changed();
    try {
      this.me = await api.me();
      this.state = 'signedIn';
    } catch (error) {
      this.error = apiErrorOf(error);
      this.state = this.error?.status === 401 ? 'signedOut' : 'unreachable';
    }
    this.changed();
  }

  /** Something was answered with 401. */
  ended(code: string): void {
    if (this.state !== 'signedIn' || this.endedBy !== null) return;
    this.endedBy = code;
    this.changed();
  }
}
