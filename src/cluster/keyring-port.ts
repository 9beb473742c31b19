import type { MessagePort } from 'node:worker_threads';
import { errorMessage } from '#base/errors.ts';
import type { Keyring, KeyringAnswer } from '#node/image/keyring.ts';
import type { ImageReference } from '#node/image/reference.ts';

interface Question {
  readonly id: number;
  readonly reference: ImageReference;
}

interface Answer {
  readonly id: number;
  readonly answer: KeyringAnswer;
}

/** Answers for a thread that has left the machine's network, where credential helpers have to run. */
export function serveKeyring(port: MessagePort, keyring: Keyring): void {
  port.on('message', ({ id, reference }: Question) => {
    void keyring(reference)
      .catch((error: unknown): KeyringAnswer => ({ credentials: [], problems: [errorMessage(error)] }))
      .then((answer) => port.postMessage({ id, answer } satisfies Answer));
  });
  port.unref();
}

/** The other end. */
export function portKeyring(port: MessagePort): Keyring {
  const waiting = new Map<number, (answer: KeyringAnswer) => void>();
  let last = 0;
  port.on('message', ({ id, answer }: Answer) => {
    waiting.get(id)?.(answer);
    waiting.delete(id);
  });
  port.unref();
  return (reference) =>
    new Promise((resolve) => {
      const id = ++last;
      waiting.set(id, resolve);
      port.postMessage({ id, reference } satisfies Question);
    });
}
