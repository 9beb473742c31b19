import { hostname } from 'node:os';
import type { ChaosConfig } from './corefile/server-config.ts';
import type { Handler } from './handler.ts';
import { nameText } from './name.ts';
import { packedReply } from './packed-reply.ts';
import { nameOf } from './query.ts';
import { MAX_TEXT } from './record-text.ts';
import { RECORD_TYPES } from './record-type.ts';
import { bareReply } from './reply.ts';

const CLASS_CH = 3;

/** Who answers, in texts of class CH, which no other names have. `version` is said where the configuration has none. */
export function chaosHandler({ version: said, authors }: ChaosConfig, version: string): Handler {
  const texts: Readonly<Record<string, () => readonly string[]>> = {
    'version.bind': () => [said ?? version],
    'version.server': () => [said ?? version],
    'hostname.bind': () => [hostname()],
    'id.server': () => [hostname()],
    'authors.bind': () => authors,
  };
  return (query, limit) => {
    const name = nameText(nameOf(query));
    const found = Object.hasOwn(texts, name) ? texts[name]?.() : undefined;
    if (found === undefined || query.questionClass !== CLASS_CH || query.type !== RECORD_TYPES.TXT) {
      return bareReply(query, 'REFUSED');
    }
    const answers = found.map((text) => {
      const data = Buffer.from(text).subarray(0, MAX_TEXT);
      return { type: 'TXT', class: 'CH', name, ttl: 0, data } as const;
    });
    return packedReply(query, limit, { authoritative: false, answers });
  };
}
