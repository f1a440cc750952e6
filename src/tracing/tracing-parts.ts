import type { TracingConfig } from '../tracing-config.ts';

/** What tracing is made of. */
export interface TracingParts {
  readonly config: TracingConfig;
  /** As package.json has it. */
  readonly version: string;
  /** `gen_ai.provider.name`: who serves the model, as the conventions name it. */
  readonly provider: string;
  readonly logger: {
    info(details: object, message: string): void;
    warn(details: object, message: string): void;
  };
}
