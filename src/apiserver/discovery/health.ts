import type { ApiResponse } from '#api/request.ts';

/** One thing that has to be well; a text says why it is not. */
export interface HealthCheck {
  readonly name: string;
  readonly problem: () => string | undefined;
}

const TEXT = 'text/plain; charset=utf-8';

/**
 * `/healthz`, `/livez`, `/readyz`, and below each the single checks. What is wrong is for the log: the answer, which
 * needs no login, names the check only.
 */
export function health(
  path: string,
  query: Readonly<Record<string, string>>,
  checks: readonly HealthCheck[],
): ApiResponse {
  const [, endpoint = '', name] = path.split('/');
  const chosen = name === undefined || name === '' ? checks : checks.filter((check) => check.name === name);
  if (chosen.length === 0) return { kind: 'text', status: 404, body: '404 page not found\n', contentType: TEXT };
  const excluded = new Set((query['exclude'] ?? '').split(','));
  let failed = false;
  let lines = '';
  for (const check of chosen) {
    if (excluded.has(check.name)) {
      lines += `[+]${check.name} excluded: ok\n`;
    } else if (check.problem() === undefined) {
      lines += `[+]${check.name} ok\n`;
    } else {
      failed = true;
      lines += `[-]${check.name} failed: reason withheld\n`;
    }
  }
  if (failed) return { kind: 'text', status: 500, body: `${lines}${endpoint} check failed\n`, contentType: TEXT };
  const verbose = query['verbose'] !== undefined;
  return { kind: 'text', status: 200, body: verbose ? `${lines}${endpoint} check passed\n` : 'ok', contentType: TEXT };
}
