import { useLayoutEffect, useReducer } from 'preact/hooks';
import type { Observable } from '../model/observable.ts';

/** Renders the component again whenever one of `sources` changes. */
export function useWatch(...sources: readonly (Observable | null)[]): void {
  const [, again] = useReducer((count: number) => count + 1, 0);
  useLayoutEffect(() => {
    const ends = sources.map((source) => source?.subscribe(() => again(undefined)));
    return () => {
      for (const end of ends) end?.();
    };
    // The number of sources of a component never changes.
  }, sources as unknown[]);
}
