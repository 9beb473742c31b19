import { constants } from 'node:os';
import type { Container } from '#api/generated/types.ts';
import { type ImageRecord, imageIdOf } from '../image/image-record.ts';
import type { ImageCommand } from './container-env.ts';

/** What an image brings along. */
export interface ImageFacts extends ImageCommand {
  readonly env: Readonly<Record<string, string>>;
  readonly workingDir: string | undefined;
  readonly user: string;
  readonly imageId: string;
  readonly stopSignal: NodeJS.Signals;
}

export function imageFacts(
  image: { readonly kind: 'host' } | { readonly kind: 'oci'; readonly record: ImageRecord },
  container: Container,
): ImageFacts {
  const asked = container.lifecycle?.stopSignal;
  if (image.kind === 'host') {
    const imageId = `clusterip://${container.image ?? ''}`;
    const stopSignal = signalOf(asked) ?? 'SIGTERM';
    return { env: {}, entrypoint: [], command: [], workingDir: undefined, user: '', imageId, stopSignal };
  }
  const { config } = image.record;
  return {
    env: Object.fromEntries(config.env.map(splitVariable)),
    entrypoint: config.entrypoint,
    command: config.command,
    workingDir: config.workingDir === '' ? undefined : config.workingDir,
    user: config.user,
    imageId: imageIdOf(image.record),
    stopSignal: signalOf(asked) ?? signalOf(config.stopSignal) ?? 'SIGTERM',
  };
}

function splitVariable(text: string): readonly [string, string] {
  const equals = text.indexOf('=');
  return equals < 0 ? [text, ''] : [text.slice(0, equals), text.slice(equals + 1)];
}

/** `SIGQUIT`, `quit` or `3`. */
function signalOf(text: string | undefined): NodeJS.Signals | undefined {
  if (text === undefined) return undefined;
  const plain = text.toUpperCase().replace(/^SIG/, '');
  const found = Object.entries(constants.signals).find(
    ([name, number]) => name === `SIG${plain}` || String(number) === plain,
  );
  return found?.[0] as NodeJS.Signals | undefined;
}
