import { systemClock } from '#base/clock.ts';
import { silentLog } from '#base/log.ts';
import { parseCorefile } from '../corefile/corefile.ts';
import { readServers } from '../corefile/servers.ts';
import { DnsParts } from '../dns-parts.ts';
import { portResolvers } from '../port-resolvers.ts';
import { endpointConnection } from '../endpoint-connection.ts';
import { ask } from '../testing/ask.ts';
import type { Comparison } from './questions.ts';
import { until } from '../testing/until.ts';

export interface Places {
  readonly port: number;
  readonly endpoint: string;
  readonly upstream: string;
}

export function filledCorefile(corefile: string, { port, endpoint, upstream }: Places): string {
  return corefile.replaceAll('PORT', `${port}`).replaceAll('ENDPOINT', endpoint).replaceAll('UPSTREAM', upstream);
}

/** Where addresses take turns, and CoreDNS's maps have no order, neither has the answer. The size of EDNS0 is left out. */
export function inOrder(answer: string): string {
  const [head = '', ...records] = answer.split(' | ');
  return [head, ...records.filter((record) => !record.startsWith('+ OPT ')).toSorted()].join(' | ');
}

/** `NAME TYPE [CLASS]` */
export function classOf(question: string): { readonly class?: string } {
  const [, , questionClass] = question.split(' ');
  return questionClass === undefined ? {} : { class: questionClass };
}

/** What we say to the questions of a comparison. */
export async function ownAnswers({ corefile, questions }: Comparison, places: Places): Promise<readonly string[]> {
  const servers = readServers(parseCorefile({ file: 'Corefile', text: filledCorefile(corefile, places) }));
  const parts = new DnsParts({
    connection: (config) => {
      if (config?.kind !== 'endpoint') throw new TypeError('the Corefile names no endpoint');
      return endpointConnection(config);
    },
    clock: systemClock,
    log: silentLog,
  });
  const { resolvers } = portResolvers(servers, parts, {
    clock: systemClock,
    print: () => {},
    version: 'test',
  });
  const [port] = resolvers.values();
  if (port === undefined) throw new TypeError('the Corefile has no server');
  parts.settle();
  try {
    await until('the cluster is known', () => parts.isReady);
    const answers: string[] = [];
    for (const question of questions) {
      answers.push(inOrder(await ask(port.resolve, question, { ...classOf(question), edns: 4096 }, '127.0.0.1')));
    }
    return answers;
  } finally {
    // The next round takes nothing of this one.
    parts.settle();
  }
}
