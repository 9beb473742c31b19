import type { Container, EphemeralContainer, Pod } from '#api/generated/types.ts';
import type { ContainerMount } from './sandbox/container-mounts.ts';
import type { PodSandbox } from './sandbox/pod-sandbox-sync.ts';

export interface ContainerPlace {
  readonly pod: Pod;
  readonly podIp: string;
  readonly sandbox: PodSandbox;
  /** With what the image says. Throws `ContainerConfigError`. */
  readonly configure: (imageEnv: Readonly<Record<string, string>>) => ContainerConfig;
  /** What the configuration came from is fetched again: it was not enough. */
  readonly renew: () => void;
}

export interface ContainerConfig {
  readonly env: Readonly<Record<string, string>>;
  readonly mounts: readonly ContainerMount[];
}

export type ContainerSpec = Container & Pick<EphemeralContainer, 'targetContainerName'>;

export interface StopOptions {
  /** Of the event. @default that it is stopped */
  readonly message?: string;
  /** @default at once */
  readonly turn?: Promise<unknown>;
}
