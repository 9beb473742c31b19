import { errorMessage } from '#base/errors.ts';
import type { Container, Pod } from '#api/generated/types.ts';
import type { ContainerConfig } from './container-place.ts';
import type { NodeContext } from './node-context.ts';
import { containerEnv } from './pod/container-env.ts';
import { serviceEnv } from './pod/service-env.ts';
import { showsChange } from './pod/shown-change.ts';
import { fetchPodInputs, type PodInputs } from './pod-inputs-agent.ts';
import type { MadeSandbox } from './pod-sandbox-agent.ts';
import { containerMounts, type MadeVolume, makeVolumes, refreshVolumes } from './pod-volumes-agent.ts';
import { DEFAULT_PATH } from './sandbox/container-command.ts';

const RETRY_MS = 10_000;

/** The variables and volumes of a Pod, the latter kept up to date as long as it runs. */
export class PodSupplies implements Disposable {
  readonly #node: NodeContext;
  readonly #made: MadeSandbox;
  #pod: Pod;
  #inputs: PodInputs;
  readonly #volumes: ReadonlyMap<string, MadeVolume>;
  #timer: Disposable | undefined;
  #renewals = 0;
  #over = false;

  /** Makes the volumes. Throws `PreparationError` where that cannot be. */
  constructor(node: NodeContext, pod: Pod, made: MadeSandbox, inputs: PodInputs) {
    this.#node = node;
    this.#pod = pod;
    this.#made = made;
    this.#inputs = inputs;
    this.#volumes = makeVolumes(node, pod, made.sandbox, inputs, made.facts);
    this.#schedule(inputs.refreshMs);
  }

  [Symbol.dispose](): void {
    this.#over = true;
    this.#timer?.[Symbol.dispose]();
  }

  update(pod: Pod): void {
    const before = this.#pod;
    this.#pod = pod;
    if (showsChange(before, pod)) void this.renew();
  }

  /** What a container gets, as things are now. Throws `ContainerConfigError`. */
  configure(container: Container, imageEnv: Readonly<Record<string, string>>): ContainerConfig {
    const { sandbox, facts } = this.#made;
    const { namespace = 'default' } = this.#pod.metadata;
    const serviceLinks = this.#pod.spec.enableServiceLinks ?? true;
    const env = containerEnv({
      pod: this.#pod,
      container,
      facts,
      sources: this.#inputs,
      serviceEnv: serviceEnv(this.#node.services.list(), { namespace, serviceLinks }),
      imageEnv: {
        PATH: DEFAULT_PATH,
        HOSTNAME: sandbox.spec.hostname,
        ...(container.tty === true ? { TERM: 'xterm' } : {}),
        ...imageEnv,
      },
    });
    return { env, mounts: containerMounts(container, this.#volumes, env) };
  }

  /** Fetches again what the Pod refers to, and brings its volumes up to date. */
  async renew(): Promise<void> {
    const turn = ++this.#renewals;
    let again: number | undefined = RETRY_MS;
    try {
      const inputs = await fetchPodInputs(this.#node, this.#pod, this.#inputs);
      // What was asked for later is newer.
      if (this.#over || turn !== this.#renewals) return;
      again = inputs.refreshMs;
      this.#inputs = inputs;
      refreshVolumes(this.#node, this.#pod, inputs, this.#made.facts);
    } catch (error) {
      if (this.#over || turn !== this.#renewals) return;
      this.#node.log.warn('volumes not refreshed', { pod: this.#pod.metadata.name, error: errorMessage(error) });
    }
    this.#schedule(again);
  }

  #schedule(ms: number | undefined): void {
    this.#timer?.[Symbol.dispose]();
    if (ms !== undefined) this.#timer = this.#node.clock.after(ms, () => void this.renew());
  }
}
