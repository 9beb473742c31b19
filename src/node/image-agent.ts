import { errorCode, errorMessage } from '#base/errors.ts';
import type { Container, Pod, Secret } from '#api/generated/types.ts';
import { secrets } from '#api/resource.ts';
import { isReason } from '#client/client.ts';
import { credentialsFor } from './image/credentials.ts';
import type { ImageRecord } from './image/image-record.ts';
import { ImageNameError, parseReference } from './image/reference.ts';
import type { NodeContext } from './node-context.ts';
import { isHostImage } from './pod/host-image-name.ts';
import { formatDuration, RestartBackoff } from './pod/restart-backoff.ts';

export type ContainerImage = { readonly kind: 'host' } | { readonly kind: 'oci'; readonly record: ImageRecord };

export type ImageAnswer =
  | { readonly kind: 'ready'; readonly image: ContainerImage }
  | {
      readonly kind: 'waiting';
      readonly reason: string;
      readonly message?: string | undefined;
      readonly retryAt: number;
    };

interface PullFailure {
  readonly reason: string;
  readonly message: string;
  readonly until: number;
}

type RecordEvent = (pod: Pod, type: 'Normal' | 'Warning', reason: string, message: string) => void;

const PROGRESS_MS = 10_000;
/** While it is being pulled nobody has to ask again: the end of it is told. */
const FOREVER_MS = 3_600_000;
/** ErrImagePull is shown for so long before it becomes ImagePullBackOff. */
const ERROR_SHOWN_MS = 1000;

/** The image of one container: whether it is here, and else how to get it. */
export class ImageAgent {
  readonly #node: NodeContext;
  readonly #image: string;
  readonly #policy: string;
  readonly #event: RecordEvent;
  readonly #onChange: () => void;
  readonly #backoff = new RestartBackoff();
  readonly #abort = new AbortController();
  #pulling = false;
  #pulled: { readonly record: ImageRecord; readonly held: Disposable } | undefined;
  #failure: PullFailure | undefined;
  #backedOff = false;

  constructor(node: NodeContext, spec: Container, event: RecordEvent, onChange: () => void) {
    this.#node = node;
    this.#image = spec.image ?? '';
    this.#policy = spec.imagePullPolicy ?? 'IfNotPresent';
    this.#event = event;
    this.#onChange = onChange;
  }

  [Symbol.dispose](): void {
    this.#abort.abort(new Error('nobody waits for the image any more'));
    this.#takePulled();
  }

  /** To be asked before each run. Starts to pull where that is needed. */
  ask(pod: Pod): ImageAnswer {
    if (isHostImage(this.#image)) return this.#present(pod, { kind: 'host' });
    const now = this.#node.clock.now();
    if (this.#pulling) return { kind: 'waiting', reason: 'ContainerCreating', retryAt: now + FOREVER_MS };
    const record = this.#takePulled();
    if (record !== undefined) return { kind: 'ready', image: { kind: 'oci', record } };
    if (this.#failure !== undefined && this.#failure.until > now) return this.#backOff(pod, this.#failure, now);
    return this.#find(pod, now);
  }

  #takePulled(): ImageRecord | undefined {
    const pulled = this.#pulled;
    this.#pulled = undefined;
    pulled?.held[Symbol.dispose]();
    return pulled?.record;
  }

  #find(pod: Pod, now: number): ImageAnswer {
    try {
      const record = this.#policy === 'Always' ? undefined : this.#node.images.find(this.#image);
      if (record !== undefined) return this.#present(pod, { kind: 'oci', record });
      parseReference(this.#image);
    } catch (error) {
      if (!(error instanceof ImageNameError)) throw error;
      const message = `Failed to apply default image tag ${quote(this.#image)}: ${error.message}`;
      this.#event(pod, 'Warning', 'InspectFailed', message);
      this.#event(pod, 'Warning', 'Failed', 'Error: InvalidImageName');
      return { kind: 'waiting', reason: 'InvalidImageName', message, retryAt: now + this.#nextDelay() };
    }
    if (this.#policy === 'Never') {
      const message = `Container image ${quote(this.#image)} is not present with pull policy of Never`;
      this.#event(pod, 'Warning', 'ErrImageNeverPull', message);
      this.#event(pod, 'Warning', 'Failed', 'Error: ErrImageNeverPull');
      return { kind: 'waiting', reason: 'ErrImageNeverPull', message, retryAt: now + this.#nextDelay() };
    }
    void this.#pull(pod);
    return { kind: 'waiting', reason: 'ContainerCreating', retryAt: now + FOREVER_MS };
  }

  #present(pod: Pod, image: ContainerImage): ImageAnswer {
    this.#event(pod, 'Normal', 'Pulled', `Container image ${quote(this.#image)} already present on machine`);
    return { kind: 'ready', image };
  }

  async #pull(pod: Pod): Promise<void> {
    this.#pulling = true;
    const { clock, images } = this.#node;
    const begun = clock.monotonic();
    this.#event(pod, 'Normal', 'Pulling', `Pulling image ${quote(this.#image)}`);
    try {
      const credentials = credentialsFor(parseReference(this.#image), await this.#pullSecrets(pod));
      const { signal } = this.#abort;
      const record = await images.pull(this.#image, { credentials, signal, onProgress: this.#progress(pod) });
      if (signal.aborted) return;
      const took = formatDuration(clock.monotonic() - begun);
      const size = `Image size: ${record.bytes} bytes.`;
      this.#event(
        pod,
        'Normal',
        'Pulled',
        `Successfully pulled image ${quote(this.#image)} in ${took} (${took} including waiting). ${size}`,
      );
      // Until the container takes it over: it may have been pulled just to be collected.
      this.#pulled = { record, held: images.hold(record) };
      this.#failure = undefined;
    } catch (error) {
      if (!this.#abort.signal.aborted) this.#failed(pod, error);
    }
    this.#pulling = false;
    if (!this.#abort.signal.aborted) this.#onChange();
  }

  #failed(pod: Pod, error: unknown): void {
    const full = errorCode(error) === 'ENOSPC' ? 'no space left on device: ' : '';
    const message = `failed to pull and unpack image ${quote(this.#image)}: ${full}${errorMessage(error)}`;
    this.#event(pod, 'Warning', 'Failed', `Failed to pull image ${quote(this.#image)}: ${message}`);
    this.#event(pod, 'Warning', 'Failed', 'Error: ErrImagePull');
    const until = this.#node.clock.now() + this.#nextDelay();
    this.#failure = { reason: 'ErrImagePull', message, until };
    this.#backedOff = false;
  }

  /** What it failed with, at first as it is, then as a wait. */
  #backOff(pod: Pod, failure: PullFailure, now: number): ImageAnswer {
    const { message, until } = failure;
    if (failure.reason === 'ErrImagePull') {
      this.#failure = { ...failure, reason: 'ImagePullBackOff' };
      return { kind: 'waiting', reason: 'ErrImagePull', message, retryAt: Math.min(until, now + ERROR_SHOWN_MS) };
    }
    const text = `Back-off pulling image ${quote(this.#image)}`;
    if (!this.#backedOff) {
      this.#backedOff = true;
      this.#event(pod, 'Normal', 'BackOff', text);
      this.#event(pod, 'Warning', 'Failed', 'Error: ImagePullBackOff');
    }
    return {
      kind: 'waiting',
      reason: 'ImagePullBackOff',
      message: `${text}: ErrImagePull: ${message}`,
      retryAt: until,
    };
  }

  #nextDelay(): number {
    this.#backoff.restarted();
    return this.#backoff.delayMs;
  }

  /** A line now and then for who waits with `kubectl describe`. */
  #progress(pod: Pod): (done: number, total: number) => void {
    const { clock } = this.#node;
    let next = clock.monotonic() + PROGRESS_MS;
    return (done, total) => {
      if (clock.monotonic() < next) return;
      next = clock.monotonic() + PROGRESS_MS;
      const text = `${mebibytes(done)} of ${mebibytes(total)} MiB`;
      this.#event(pod, 'Normal', 'Pulling', `Pulling image ${quote(this.#image)}: ${text}`);
    };
  }

  /** What is not there is left out, as kubelets do it: the registry may not ask for it. */
  async #pullSecrets(pod: Pod): Promise<readonly Secret[]> {
    const found = await Promise.all(
      (pod.spec.imagePullSecrets ?? []).map(async ({ name = '' }) => {
        try {
          return [await this.#node.client.get(secrets, { namespace: pod.metadata.namespace, name })];
        } catch (error) {
          if (!isReason(error, 'NotFound')) throw error;
          const message = `Unable to retrieve some image pull secrets (${name}); attempting to pull the image may not succeed.`;
          this.#event(pod, 'Warning', 'FailedToRetrieveImagePullSecret', message);
          return [];
        }
      }),
    );
    return found.flat();
  }
}

function mebibytes(bytes: number): string {
  return (bytes / (1 << 20)).toFixed(1);
}

function quote(text: string): string {
  return JSON.stringify(text);
}
