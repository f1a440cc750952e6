import { createHash, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { chooseAutoModel, openAutoSession } from './auto-model.ts';
import { findCaller } from './callers.ts';
import { type ChatStream, completionBody, streamAnswer } from './chat-stream.ts';
import { describeAccount, PremiumLedger, setQuotaHeaders } from './copilot-account.ts';
import { type Exchange, type Handler, type Route, send, sendJson } from './exchange.ts';
import { type Fault, refusalBody } from './faults.ts';
import { parseObject } from './json.ts';
import { answerTo, countTokens, type ModelAnswer } from './model-answers.ts';
import { DEFAULT_MODELS, describeModel, type StandInModel } from './models.ts';
import type { StandInPerson } from './people.ts';
import type { ModelRequest, RequestLog } from './request-log.ts';
import type { TokenLedger } from './tokens.ts';

/** What the model API needs to know. */
export interface CopilotSettings {
  people: readonly StandInPerson[];
  tokens: TokenLedger;
  log: RequestLog;
  pace: { firstTokenMs: number; tokenMs: number };
  /** The stand-in's own URL; called late because the port is not known at first. */
  origin: () => string;
}

/** Copilot's side of the stand-in: its routes, and what tests may change about it. */
export interface CopilotApi {
  routes: Route[];
  setFault(fault: Fault | null): void;
  setModels(login: string | null, models: readonly StandInModel[] | null): void;
}

const DOCS = 'https://docs.github.com/rest';
/** Attempts are remembered for this many requests, so that a fault can end after `times` of them. */
const ATTEMPT_LIMIT = 5_000;

/** What the routes share. */
interface State extends CopilotSettings {
  premium: PremiumLedger;
  attempts: Map<string, number>;
  models: Map<string | null, readonly StandInModel[]>;
  fault: Fault | null;
}

/** Builds the model API. */
export function copilotApi(settings: CopilotSettings): CopilotApi {
  const state: State = {
    ...settings,
    premium: new PremiumLedger(),
    attempts: new Map(),
    models: new Map(),
    fault: null,
  };
  const withModels =
    (handler: (exchange: Exchange, models: readonly StandInModel[]) => void): Handler =>
    (exchange) => {
      const person = admit(state, exchange);
      if (person) handler(exchange, modelsOf(state, person));
    };
  return {
    routes: [
      ['GET', '/copilot_internal/user', (exchange) => showAccount(state, exchange)],
      ['GET', '/models', withModels((exchange, models) => sendJson(exchange, 200, modelList(models)))],
      ['POST', '/models/session', withModels(openAutoSession)],
      ['POST', '/auto', withModels(chooseAutoModel)],
      ['POST', '/chat/completions', (exchange) => complete(state, exchange)],
    ],
    setFault: (fault) => {
      state.fault = fault;
    },
    setModels: (login, list) => {
      if (list) state.models.set(login, list);
      else state.models.delete(login);
    },
  };
}

function modelsOf(state: State, person: StandInPerson): readonly StandInModel[] {
  return state.models.get(person.login) ?? state.models.get(null) ?? DEFAULT_MODELS;
}

function modelList(models: readonly StandInModel[]): Record<string, unknown> {
  return { object: 'list', data: models.map(describeModel) };
}

function showAccount(state: State, exchange: Exchange): void {
  const person = findCaller(state, exchange.token)?.person;
  if (person) sendJson(exchange, 200, describeAccount(person, state.premium, state.origin()));
  else sendJson(exchange, 401, { message: 'Bad credentials', documentation_url: DOCS, status: '401' });
}

/** The person behind the token, or null after a refusal was sent. */
function admit(state: State, exchange: Exchange): StandInPerson | null {
  const person = findCaller(state, exchange.token)?.person;
  if (!person) sendJson(exchange, 401, refusalBody(401));
  else if (person.plan === 'none') send(exchange, 403, 'text/plain', 'unauthorized: not licensed to use Copilot\n');
  else return person;
  return null;
}

async function complete(state: State, exchange: Exchange): Promise<void> {
  const body = parseObject(exchange.body.toString('utf8'));
  const entry = noteRequest(state, exchange, body ?? {});
  const person = admit(state, exchange);
  if (!person) return;
  const model = modelsOf(state, person).find(
    (candidate) => candidate.id === entry.model && candidate.enabled !== false,
  );
  if (!body || !model) {
    sendJson(exchange, 400, refusalBody(400, body ? 'model_not_supported' : undefined));
    return;
  }
  const answer = tryAnswer(entry, state.pace.tokenMs > 0);
  if (typeof answer === 'string') {
    sendJson(exchange, 400, { error: { message: answer, code: 'bad_directive' } });
    return;
  }
  const fault = dueFault(answer.directives.fault ?? state.fault, state.attempts, exchange);
  if (typeof fault?.kind === 'number') {
    refuse(exchange, fault, fault.kind);
    return;
  }
  // A premium request is what a person asks; the runtime's own retries and tool rounds are free.
  if (exchange.request.headers['x-initiator'] !== 'agent') state.premium.add(person.login, model.multiplier ?? 1);
  setQuotaHeaders(exchange.response, person, state.premium);
  await respond(exchange, entry, planStream(state, model, answer, fault));
}

function noteRequest(settings: CopilotSettings, exchange: Exchange, raw: Record<string, unknown>): ModelRequest {
  const entry: ModelRequest = {
    at: Date.now(),
    token: exchange.token ?? '',
    login: settings.tokens.find(exchange.token)?.login ?? null,
    model: typeof raw.model === 'string' ? raw.model : '',
    messages: Array.isArray(raw.messages) ? raw.messages : [],
    stream: raw.stream === true,
    aborted: false,
    raw,
  };
  settings.log.noteModel(entry, exchange.body.length);
  return entry;
}

/** The answer, or what is wrong with the directives in the prompt. */
function tryAnswer(entry: ModelRequest, lively: boolean): ModelAnswer | string {
  try {
    return answerTo(entry.messages, lively);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** The fault, unless this request has failed often enough already. */
function dueFault(fault: Fault | null | undefined, attempts: Map<string, number>, exchange: Exchange): Fault | null {
  if (!fault || fault.times === undefined) return fault ?? null;
  // A retry repeats the session and the whole body, the runtime's time stamp included; another turn does not.
  const session = String(exchange.request.headers['x-client-session-id'] ?? exchange.token);
  const key = createHash('sha256').update(session).update(exchange.body).digest('base64');
  const before = attempts.get(key) ?? 0;
  attempts.set(key, before + 1);
  const oldest = attempts.keys().next();
  if (attempts.size > ATTEMPT_LIMIT && !oldest.done) attempts.delete(oldest.value);
  return before < fault.times ? fault : null;
}

function refuse(exchange: Exchange, fault: Fault, status: number): void {
  const headers: Record<string, string> = { 'x-github-request-id': randomUUID() };
  if (fault.retryAfter !== undefined) headers['retry-after'] = String(fault.retryAfter);
  sendJson(exchange, status, refusalBody(status, fault.code), headers);
}

function planStream(
  settings: CopilotSettings,
  model: StandInModel,
  answer: ModelAnswer,
  fault: Fault | null,
): ChatStream {
  const { directives, promptTokens } = answer;
  const completionTokens = answer.deltas.length + countTokens(answer.tools.map((tool) => tool.arguments).join(''));
  return {
    id: `chatcmpl-${randomUUID()}`,
    model: model.id,
    answer,
    fault,
    firstTokenMs: directives.firstMs ?? settings.pace.firstTokenMs,
    tokenMs: directives.paceMs ?? settings.pace.tokenMs,
    usage: {
      prompt_tokens: promptTokens,
      completion_tokens: completionTokens,
      total_tokens: promptTokens + completionTokens,
      prompt_tokens_details: { cached_tokens: 0 },
    },
    copilotUsage: copilotUsage(model, promptTokens, completionTokens),
  };
}

/** Copilot's own bill of a call, in billionths of an AI unit. The prices are made up. */
function copilotUsage(model: StandInModel, input: number, output: number): Record<string, unknown> {
  const price = model.multiplier ?? 1;
  const detail = (token_type: string, token_count: number, cost_per_batch: number) => ({
    token_type,
    token_count,
    batch_size: 1_000_000,
    cost_per_batch,
  });
  const details = [detail('input', input, 250e9 * price), detail('output', output, 1500e9 * price)];
  const total = details.reduce((sum, row) => sum + (row.token_count * row.cost_per_batch) / row.batch_size, 0);
  return { token_details: details, total_nano_aiu: Math.round(total) };
}

async function respond(exchange: Exchange, entry: ModelRequest, stream: ChatStream): Promise<void> {
  const { response } = exchange;
  response.once('close', () => {
    // A socket that a fault destroyed was ended by us, not by the client.
    entry.aborted = !response.writableEnded && stream.fault?.kind !== 'cut';
  });
  response.setHeader('x-request-id', randomUUID());
  if (entry.stream) await streamAnswer(exchange, stream);
  else if (stream.fault?.kind === 'hang' || stream.fault?.kind === 'stall') await once(exchange.signal, 'abort');
  else if (stream.fault?.kind === 'cut') response.destroy();
  else if (stream.fault?.kind === 'error') sendJson(exchange, 500, refusalBody(500));
  else sendJson(exchange, 200, completionBody(stream));
}
