/** Traces of work that leaves the process that was asked for it, and which traces are kept. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ROOT_CONTEXT, SamplingDecision, SpanKind, TraceFlags, trace } from '@opentelemetry/api';
import { samplerOf } from '../../src/tracing/sampler.ts';
import { startTestCluster } from '../support/cluster.ts';
import { startCollector } from '../support/otlp-collector.ts';
import { endOf, newChat } from '../turns/support/turns.ts';

it('a background turn of any instance is found from the request that asked for it', { timeout: 90_000 }, async () => {
  await using opened = new AsyncDisposableStack();
  const collector = opened.adopt(await startCollector(), (it) => it.close());
  const cluster = await startTestCluster({ env: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url } });
  const turns: { id: string }[] = [];
  try {
    const [mona] = await cluster.signIn('mona');
    assert.ok(mona);
    for (const content of ['one', 'two', 'three', 'four']) {
      const path = `/api/chats/${await newChat(mona)}/messages`;
      turns.push((await mona.post(path, { content }, { prefer: 'respond-async' })).body.turn);
    }
    for (const { id } of turns) assert.equal((await endOf(mona, id)).status, 'completed');
  } finally {
    await cluster.close(); // sends what is left
  }
  const requests = collector.spans.filter(({ name }) => name === 'POST /api/chats/:chatId/messages');
  assert.equal(requests.length, turns.length);
  for (const { links } of requests) {
    const [link] = links;
    const turn = collector.spans.find(({ traceId, spanId }) => traceId === link?.traceId && spanId === link?.spanId);
    assert.equal(turn?.attributes['pilothouse.turn.status'], 'completed');
  }
});

describe('OTEL_TRACES_SAMPLER', () => {
  const traceId = 'f'.repeat(32);
  const keeps = (sampler: Parameters<typeof samplerOf>[0]['sampler'], ratio: number, parent?: boolean): boolean => {
    const traceFlags = parent === true ? TraceFlags.SAMPLED : TraceFlags.NONE;
    const remote = { traceId, spanId: 'a'.repeat(16), traceFlags, isRemote: true };
    const context = parent === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, remote);
    const { decision } = samplerOf({ sampler, ratio }).shouldSample(context, traceId, 'x', SpanKind.SERVER, {}, []);
    return decision === SamplingDecision.RECORD_AND_SAMPLED;
  };

  it('decides by itself, or by the part of traces that is to be kept', () => {
    assert.deepEqual([keeps('always_on', 0), keeps('always_off', 1)], [true, false]);
    assert.deepEqual([keeps('traceidratio', 1), keeps('traceidratio', 0)], [true, false]);
    assert.deepEqual([keeps('traceidratio', 0, true), keeps('always_off', 1, true)], [false, false]);
  });

  it('or as the caller has decided', () => {
    for (const sampler of ['parentbased_always_on', 'parentbased_always_off', 'parentbased_traceidratio'] as const)
      assert.deepEqual([keeps(sampler, 0.5, true), keeps(sampler, 0.5, false)], [true, false], sampler);
    assert.deepEqual([keeps('parentbased_always_on', 0), keeps('parentbased_always_off', 1)], [true, false]);
    assert.deepEqual([keeps('parentbased_traceidratio', 1), keeps('parentbased_traceidratio', 0)], [true, false]);
  });
});
