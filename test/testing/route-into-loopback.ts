/**
 * Runs in a network namespace of its own: gives it a loopback and a route for all addresses into that, then tries to
 * connect to each of the addresses given. Nothing can leave the namespace. Prints what came of it, a line each.
 */
import { connect } from 'node:net';
import process from 'node:process';
import { RtnetlinkSocket } from '#netlink/rtnetlink-socket.ts';

const rtnetlink = RtnetlinkSocket.open();
const loopback = rtnetlink.getLink('lo');
if (loopback === undefined) throw new Error('Cannot find the loopback');
rtnetlink.setLink(loopback.index, { up: true });
rtnetlink.addRoute({ destination: { family: 4, base: 0n, prefix: 0 }, link: loopback.index });

function knock(target: string): Promise<string> {
  const [host = '', port = ''] = target.split(':');
  return new Promise((resolve) => {
    const socket = connect({ host, port: Number(port), timeout: 1500 });
    const end = (result: string): void => {
      socket.destroy();
      resolve(`${target} ${result}`);
    };
    socket.once('connect', () => end('answered'));
    socket.once('timeout', () => end('no answer'));
    socket.once('error', (error: NodeJS.ErrnoException) => end(error.code ?? 'error'));
  });
}

for (const target of process.argv.slice(2)) console.log(await knock(target));
