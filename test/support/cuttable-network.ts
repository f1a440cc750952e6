/** A network between browser and gateway that can be cut: open connections break and new ones are refused, as when it is gone. */
import { connect, createServer, type Socket } from 'node:net';

export interface CuttableNetwork {
  readonly port: number;
  cut(): void;
  mend(): void;
  close(): Promise<void>;
}

/** Passes connections on to `port` of this machine. */
export async function openNetwork(port: number): Promise<CuttableNetwork> {
  const sockets = new Set<Socket>();
  let whole = true;
  const track = (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    // Whoever breaks a connection on purpose need not be told of it.
    socket.on('error', () => socket.destroy());
  };
  const server = createServer((near) => {
    track(near);
    if (!whole) {
      near.destroy();
      return;
    }
    const far = connect(port, '127.0.0.1');
    track(far);
    near.pipe(far).pipe(near);
    near.once('close', () => far.destroy());
    far.once('close', () => near.destroy());
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
      whole = false;
      breakAll();
    },
    mend: () => {
      whole = true;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        breakAll();
      }),
  };
}
