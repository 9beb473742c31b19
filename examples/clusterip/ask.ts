/** Asks a URL COUNT times, a new connection each, and prints how often each Pod answered. `ask.ts URL [COUNT]` */
import { get } from 'node:http';
import process from 'node:process';

function ask(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = get(url, { agent: false, timeout: 5000 }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => (body += text));
      response.on('end', () => resolve(body.trim()));
    });
    request.on('timeout', () => request.destroy(new Error('no answer within 5 s')));
    request.on('error', reject);
  });
}

const [url = 'http://api-svc', count = '1'] = process.argv.slice(2);
const answers = new Map<string, number>();
for (let i = 0; i < Number(count); i++) {
  const who = await ask(url);
  answers.set(who, (answers.get(who) ?? 0) + 1);
}
for (const [who, times] of [...answers].toSorted(([a], [b]) => a.localeCompare(b)))
  console.log(`${who} answered ${times} times`);
