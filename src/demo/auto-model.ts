import { randomUUID } from 'node:crypto';
import { type Exchange, sendJson } from './exchange.ts';
import type { StandInModel } from './models.ts';

const SESSION_SECONDS = 3600;

/** `POST /auto`: which model the runtime shall take for a prompt when the user chose `auto`. */
export function chooseAutoModel(exchange: Exchange, models: readonly StandInModel[]): void {
  const chosen = models.find((model) => model.enabled !== false);
  if (!chosen) {
    sendJson(exchange, 404, { message: 'No model is available' });
    return;
  }
  sendJson(exchange, 200, { selected_model: { id: chosen.id }, ...session(models) });
}

/** `POST /models/session`: the models among which the runtime may choose by itself. */
export function openAutoSession(exchange: Exchange, models: readonly StandInModel[]): void {
  sendJson(exchange, 200, { selected_model: models[0]?.id, discounted_costs: {}, ...session(models) });
}

function session(models: readonly StandInModel[]): Record<string, unknown> {
  return {
    available_models: models.map((model) => model.id),
    session_token: `stand-in-${randomUUID()}`,
    expires_at: Math.floor(Date.now() / 1000) + SESSION_SECONDS,
  };
}
