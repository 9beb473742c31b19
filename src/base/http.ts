import type * as Http from 'node:http';
import process from 'node:process';

/**
 * `node:http` itself. To import it reads every one of its exports, and one is a WebSocket client, which is made when it is
 * looked at: of 11 MB that a process has resident for it nothing is ever used.
 */
export const http: typeof Http = process.getBuiltinModule('node:http');
