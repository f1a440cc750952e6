import { useCallback, useEffect, useState } from 'preact/hooks';
import { type ApiError, apiErrorOf } from '../../api/api-error.ts';

export interface Resource<Value> {
  readonly value: Value | null;
  readonly error: ApiError | null;
  readonly reload: () => void;
}

/** Something that is read when it is shown. */
export function useResource<Value>(read: () => Promise<Value>): Resource<Value> {
  const [state, setState] = useState<{ value: Value | null; error: ApiError | null }>({ value: null, error: null });
  const reload = useCallback(() => {
    read().then(
      (value) => setState({ value, error: null }),
      (error: unknown) => setState({ value: null, error: apiErrorOf(error) }),
    );
  }, [read]);
  useEffect(reload, [reload]);
  return { ...state, reload };
}
