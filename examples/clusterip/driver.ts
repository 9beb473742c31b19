/** The calls of the journey, with kubectl or without. */
export interface Driver {
  /** `source` is how a reader would name what is applied. */
  apply(source: string, manifest: string): Promise<void>;
  /** Waits for a Deployment to have all its Pods and for a Pod to be ready. */
  ready(deployment: string, pod: string): Promise<void>;
  clusterIp(service: string): Promise<string>;
  /** Standard output of a command in a Pod; throws when it fails. */
  exec(pod: string, command: readonly string[]): Promise<string>;
  /** Prints the Service, its endpoints and the Pods. */
  show(): Promise<void>;
}
