import type { IpFamily } from '#base/ip.ts';
import type { StaleFlows } from './flows.ts';
import type { FrontendChange } from './frontend.ts';
import type { RulesetSettings } from './settings.ts';
import type { RuleFigures } from './sync-observer.ts';

/** Told of flows to delete once the rules that they contradict are in the kernel. */
export type OnStale = (flows: readonly StaleFlows[]) => void;

/** The rules of one family in the kernel, as one mode of the proxy keeps them. Either method may answer at once or later. */
export interface FamilyRules {
  /** Takes effect at the next `resync`. */
  settings: RulesetSettings;
  readonly figures: RuleFigures;
  /** Makes the kernel's rules what `changes` say, which hold every frontend there is, whatever is there. */
  resync(changes: readonly FrontendChange[], onStale: OnStale): void | Promise<void>;
  /** After an error the rules have to be resynced. */
  apply(changes: readonly FrontendChange[], onStale: OnStale): void | Promise<void>;
}

/** Notices that somebody else changed our rules. */
export interface Guardian extends Disposable {
  /** To be called before the rules are read: what happens from here on is news. */
  remember(): void;
  /** The first rules are in the kernel. */
  start(): void;
}

/** What a mode of the proxy is made of. */
export interface Dataplane {
  readonly rules: ReadonlyMap<IpFamily, FamilyRules>;
  readonly guardian: Guardian;
}
