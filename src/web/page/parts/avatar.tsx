import { useState } from 'preact/hooks';
import type { Me } from '../api/shapes.ts';

/** A person's picture; their first letter where it cannot be had. The name stands beside it, so it is decoration. */
export function Avatar({ me }: { me: Me }) {
  const [broken, setBroken] = useState(false);
  if (me.avatarUrl === null || broken) {
    return (
      <span class="avatar" aria-hidden="true">
        {(me.name ?? me.login).slice(0, 1).toUpperCase()}
      </span>
    );
  }
  return (
    <img
      class="avatar"
      src={me.avatarUrl}
      alt=""
      width={28}
      height={28}
      referrerpolicy="no-referrer"
      onError={() => setBroken(true)}
    />
  );
}
