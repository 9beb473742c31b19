/** What runs in the Pods of `web`: answers each request with the Pod's name. `answer.ts PORT` */
import { createServer } from 'node:http';
import { hostname } from 'node:os';
import process from 'node:process';

/** A Pod that is told to end still gets connections from nodes that have not heard of it. */
const LINGER_MS = 1000;

const server = createServer((_request, response) => response.end(`${hostname()}\n`));
server.listen(Number(process.argv[2]));
process.on('SIGTERM', () => setTimeout(() => process.exit(0), LINGER_MS));
