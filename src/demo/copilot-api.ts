import { createHash, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { type ChatStream, completionBody, streamAnswer } from './chat-stream.ts';
import { describeAccount, PremiumLedger, setQuotaHeaders } from './copilot-account.ts';
import { type Exchange, type Route, send, sendJson } from './exchange.ts';
import { type Fault, refusalBody } from './faults.ts';
import { isObject, parseObject } from './json.ts';
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

/** Attempts are remembered for this many requests, so that a fault can end after `times` of them. */
const ATTEMPT_LIMIT = 5_000;

/** Builds the model API. */
export function copilotApi(settings: CopilotSettings): CopilotApi {
  const premium = new PremiumLedger();
  const attempts = new Map<string, number>();
  const models = new Map<string | null, readonly StandInModel[]>();
  let globalFault: Fault | null = null;
  const modelsOf = (person: StandInPerson): readonly StandInModel[] =>
    models.get(person.login) ?? models.get(null) ?? DEFAULT_MODELS;

  /** The person behind the token, or null after a refusal was sent. */
  const admit = (exchange: Exchange): StandInPerson | null => {
    const person = personOf(settings, exchange.token);
    if (!person) sendJson(exchange, 401, refusalBody(401));
    else if (person.plan === 'none') send(exchange, 403, 'text/plain', 'unauthorized: not licensed to use Copilot\n');
    else return person;
    return null;
  };

  const complete = async (exchange: Exchange): Promise<void> => {
    const body = parseObject(exchange.body.toString('utf8'));
    const entry = noteRequest(settings, exchange, body ?? {});
    const person = admit(exchange);
    if (!person) return;
    const model = modelsOf(person).find((candidate) => candidate.id === entry.model && candidate.enabled !== false);
    if (!body || !model) return sendJson(exchange, 400, refusalBody(400, body ? 'model_not_supported' : undefined));
    const answer = tryAnswer(entry, settings.pace.tokenMs > 0);
    if (typeof answer === 'string')
      return sendJson(exchange, 400, { error: { message: answer, code: 'bad_directive' } });
    const fault = dueFault(answer.directives.fault ?? globalFault, attempts, exchange);
    if (typeof fault?.kind === 'number') return refuse(exchange, fault, fault.kind);
    // A premium request is what a person asks; the runtime's own retries and tool rounds are free.
    if (exchange.request.headers['x-initiator'] !== 'agent') premium.add(person.login, model.multiplier ?? 1);
    setQuotaHeaders(exchange.response, person, premium);
    await respond(exchange, entry, planStream(settings, model, answer, fault));
  };

  const account = (exchange: Exchange): void => {
    const person = personOf(settings, exchange.token);
    if (!person) return sendJson(exchange, 401, { message: 'Bad credentials', status: '401' });
    sendJson(exchange, 200, describeAccount(person, premium, settings.origin()));
  };

  const listModels = (exchange: Exchange): void => {
    const person = admit(exchange);
    if (person) sendJson(exchange, 200, { object: 'list', data: modelsOf(person).map(describeModel) });
  };

  return {
    routes: [
      ['GET', '/copilot_internal/user', account],
      ['GET', '/models', listModels],
      ['POST', '/chat/completions', complete],
    ],
    setFault: (fault) => {
      globalFault = fault;
    },
    setModels: (login, list) => {
      if (list) models.set(login, list);
      else models.delete(login);
    },
  };
}

function personOf(settings: CopilotSettings, token: string | null): StandInPerson | null {
  const grant = settings.tokens.find(token);
  return settings.people.find((person) => person.login === grant?.login) ?? null;
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
  if (entry.stream) return streamAnswer(exchange, stream);
  if (stream.fault?.kind === 'hang' || stream.fault?.kind === 'stall') await once(exchange.signal, 'abort');
  else if (stream.fault?.kind === 'cut') response.destroy();
  else if (stream.fault?.kind === 'error') sendJson(exchange, 500, refusalBody(500));
  else sendJson(exchange, 200, completionBody(stream));
}
