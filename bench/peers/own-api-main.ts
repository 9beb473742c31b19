/** Our API server alone, in a process of its own, on a durable store in the directory that it is given; prints how to reach it. */
import { join } from 'node:path';
import { ListeningServer } from '../../src/apiserver/testing/listening-server.ts';
import { parseCidr } from '../../src/base/cidr.ts';
import { systemClock } from '../../src/base/clock.ts';
import { openSqliteStore } from '../../src/store/sqlite-store.ts';

const [directory = '', ...ranges] = process.argv.slice(2);
const serviceCidrs = ranges.map((text) => parseCidr(text)).filter((cidr) => cidr !== undefined);
const store = await openSqliteStore({ path: join(directory, 'store.db'), clock: systemClock });
const server = await ListeningServer.start({ store, serviceCidrs, keepRanges: true });
console.log(JSON.stringify({ port: server.port, cert: server.admin.cert, key: server.admin.key }));
