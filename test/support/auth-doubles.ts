/** Parts of the store, watched or broken on purpose. */

/** `target` with some methods replaced; the rest is the real one. */
export function override<T extends object>(target: T, methods: Partial<T>): T {
  return new Proxy(target, {
    get(real, name) {
      if (name in methods) return methods[name as keyof T];
      const value: unknown = Reflect.get(real, name, real);
      return typeof value === 'function' ? value.bind(real) : value;
    },
  });
}

/** `target` with every call of its methods written into `calls`. */
export function watch<T extends object>(target: T, calls: string[]): T {
  return new Proxy(target, {
    get(real, name) {
      const value: unknown = Reflect.get(real, name, real);
      if (typeof value !== 'function') return value;
      return (...args: unknown[]) => {
        calls.push(String(name));
        return value.apply(real, args);
      };
    },
  });
}
