import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  ParentBasedSampler,
  type Sampler,
  TraceIdRatioBasedSampler,
} from '@opentelemetry/sdk-trace';
import type { SamplerName, TracingConfig } from '../tracing-config.ts';

type Maker = (ratio: number) => Sampler;

const on: Maker = () => new AlwaysOnSampler();
const off: Maker = () => new AlwaysOffSampler();
const some: Maker = (ratio) => new TraceIdRatioBasedSampler(ratio);
const orParents =
  (root: Maker): Maker =>
  (ratio) =>
    new ParentBasedSampler({ root: root(ratio) });

const SAMPLERS: Record<SamplerName, Maker> = {
  always_on: on,
  always_off: off,
  traceidratio: some,
  parentbased_always_on: orParents(on),
  parentbased_always_off: orParents(off),
  parentbased_traceidratio: orParents(some),
};

/** The sampler that `OTEL_TRACES_SAMPLER` names. */
export function samplerOf({ sampler, ratio }: Pick<TracingConfig, 'sampler' | 'ratio'>): Sampler {
  return SAMPLERS[sampler](ratio);
}
