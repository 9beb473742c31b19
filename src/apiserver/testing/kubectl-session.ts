import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { Kubectl } from './kubectl.ts';
import type { ListeningServer } from './listening-server.ts';

export interface Step {
  readonly args: string;
  readonly input?: string;
  /** What `edit` runs on the file. */
  readonly editor?: string;
  readonly code?: number;
  /** The whole output, with ages as `AGE` and times as `TIME`; a pattern where versions of kubectl differ. */
  readonly text: string | RegExp;
  /** Something that is done by other parts of a cluster, before the command. */
  readonly before?: (server: ListeningServer) => Promise<unknown>;
}

function normal(text: string): string {
  return text
    .replaceAll(/\b\d+(?:s|m\d*s?)(?=\s)/g, 'AGE')
    .replaceAll(/^Warning: version difference.*\n/gm, '')
    .replaceAll(/ +(?=\n)/g, '');
}

/** Words are divided by spaces, and none of ours has one inside. */
export function words(args: string): readonly string[] {
  return args.split(' ');
}

export interface Session {
  readonly binary: string;
  readonly server: ListeningServer;
  /** Each sees what those before it left. */
  readonly steps: readonly Step[];
  /** @default the administrator's */
  readonly kubeconfig?: string;
}

export async function runSession(t: TestContext, { binary, server, steps, kubeconfig }: Session): Promise<void> {
  using kubectl = new Kubectl(binary, kubeconfig ?? server.kubeconfig());
  for (const { args, input, editor, code = 0, text, before } of steps) {
    await t.test(args, async () => {
      await before?.(server);
      const result = await kubectl.run(words(args), {
        ...(input === undefined ? {} : { input }),
        ...(editor === undefined ? {} : { editor }),
      });
      const shown = normal(result.text);
      if (typeof text === 'string') assert.equal(shown, normal(text));
      else assert.match(shown, text);
      assert.equal(result.code, code);
    });
  }
}
