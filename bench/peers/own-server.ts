import { parseCidr } from '../../src/base/cidr.ts';
import { TestServer } from '../../src/apiserver/testing/test-server.ts';
import type { Ask } from '../../src/apiserver/services/rules/rule-case.ts';

/** Our API server in this process, asked as the peer is. */
export function askOf(server: TestServer): Ask {
  return async (request) => {
    const answer = await server.send({ ...request, userAgent: 'peer/1' });
    if (answer.kind === 'text') {
      const text = typeof answer.body === 'string' ? answer.body : Buffer.from(answer.body).toString();
      return { status: answer.status, body: text.trim(), warnings: [] };
    }
    if (answer.kind !== 'object') throw new TypeError(`not an object: ${answer.kind}`);
    const body: unknown = JSON.parse(answer.text ?? JSON.stringify(answer.body));
    return { status: answer.status, body, warnings: answer.warnings ?? [] };
  };
}

export async function startOwnServer(ranges: readonly string[]): Promise<TestServer> {
  const serviceCidrs = ranges.map((text) => parseCidr(text)).filter((cidr) => cidr !== undefined);
  return TestServer.start({ serviceCidrs, keepRanges: false });
}
