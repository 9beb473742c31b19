import type { ApiRequest } from '#api/request.ts';

const texts = new WeakMap<ApiRequest, string[]>();

/** What webhooks want to be said with the answer to a request, whatever it is. */
export function addWarnings(request: ApiRequest, added: readonly string[]): void {
  if (added.length > 0) texts.set(request, [...warningsOf(request), ...added]);
}

export function warningsOf(request: ApiRequest): readonly string[] {
  return texts.get(request) ?? [];
}
