import { ContainerConfigError } from './pod/container-env.ts';
import { RuntimeError } from './runtime.ts';
import { IdentityError } from './stage/identity.ts';

/** Neither the Pod nor the image says what to run. */
export class NoCommandError extends Error {
  constructor() {
    super('failed to generate container spec: no command specified');
    this.name = 'NoCommandError';
  }
}

/** The reason that a kubelet gives for a container that cannot even be made; undefined for one that did not start. */
export function configFailure(error: unknown): string | undefined {
  if (error instanceof ContainerConfigError || error instanceof IdentityError) return error.code;
  if (error instanceof RuntimeError && error.code === 'ERR_MOUNT_PART') return 'CreateContainerConfigError';
  return error instanceof NoCommandError ? 'CreateContainerError' : undefined;
}
