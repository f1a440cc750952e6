/** The models one may choose from. Read late: it can take a runtime's start. */
import { type ApiError, apiErrorOf } from '../api/api-error.ts';
import type { GatewayApi } from '../api/gateway-api.ts';
import type { Model } from '../api/shapes.ts';
import { Observable } from './observable.ts';

export class ModelList extends Observable {
  items: readonly Model[] = [];
  error: ApiError | null = null;
  loading = true;
  readonly #api: GatewayApi;

  constructor(api: GatewayApi) {
    super();
    this.#api = api;
  }

  async load(): Promise<void> {
    this.loading = true;
    this.changed();
    try {
      this.items = (await this.#api.models()).items;
      this.error = null;
    } catch (error) {
      this.error = apiErrorOf(error);
    }
    this.loading = false;
    this.changed();
  }

  /** The model of that id, or the one that answers where nobody chose. */
  find(id: string | null): Model | null {
    return (
      this.items.find((model) => model.id === id) ??
      (id === null ? this.items.find((model) => model.default) : null) ??
      null
    );
  }

  name(id: string): string {
    return this.items.find((model) => model.id === id)?.name ?? id;
  }
}
