/**
 * A network between two of us that fails as networks do: cut, open connections break and new ones are refused; frozen, nobody
 * is told anything, and what was open then stays silent for ever, as when a router in between has forgotten it.
 */
import { connect, createServer, type Socket } from 'node:net';

export interface CuttableNetwork {
  readonly port: number;
  cut(): void;
  freeze(): void;
  /** New connections get through again. */
  mend(): void;
  close(): Promise<void>;
}

/** Passes connections on to `port` of this machine. */
export async function openNetwork(port: number): Promise<CuttableNetwork> {
  const sockets = new Set<Socket>();
  let state: 'whole' | 'cut' | 'frozen' = 'whole';
  const pairs = new Set<[Socket, Socket]>();
  const track = (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    // Whoever breaks a connection on purpose need not be told of it.
    socket.on('error', () => socket.destroy());
  };
  const server = createServer((near) => {
    track(near);
    if (state === 'cut') near.destroy();
    // Its other end is not there to read.
    if (state === 'frozen') near.pause();
    if (state !== 'whole') return;
    const far = connect(port, '127.0.0.1');
    track(far);
    near.pipe(far).pipe(near);
    const pair: [Socket, Socket] = [near, far];
    pairs.add(pair);
    for (const socket of pair)
      socket.once('close', () => {
        // The end of a frozen connection does not get through either.
        if (!pairs.delete(pair)) return;
        near.destroy();
        far.destroy();
      });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('The network has no port');
  const breakAll = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: address.port,
    cut: () => {
      state = 'cut';
      breakAll();
    },
    freeze: () => {
      state = 'frozen';
      for (const [near, far] of pairs) {
        for (const socket of [near.unpipe(far), far.unpipe(near)]) socket.pause();
      }
      pairs.clear();
    },
    mend: () => {
      state = 'whole';
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        breakAll();
      }),
  };
}
