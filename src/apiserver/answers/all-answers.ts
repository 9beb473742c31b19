import type { AnswerCase } from './answer-case.ts';
import { DIFFERENCES } from './differences.ts';
import { expressionCases } from './expression-cases.ts';
import { bodyCases } from './body-cases.ts';
import { certificateCases } from './certificate-cases.ts';
import { classCases } from './class-cases.ts';
import { flowControlCases } from './flow-control-cases.ts';
import { kindCases } from './kind-cases.ts';
import { limitCases } from './limit-cases.ts';
import { policyCases } from './policy-cases.ts';
import { resizeCases } from './resize-cases.ts';
import { ruleCases } from './rule-cases.ts';
import { verbCases } from './verb-cases.ts';
import { writeCases } from './write-cases.ts';
import { webhookCases } from './webhook-cases.ts';
import { workloadCases } from './workload-cases.ts';

const cases: readonly AnswerCase[] = [
  ...kindCases,
  ...verbCases,
  ...bodyCases,
  ...limitCases,
  ...writeCases,
  ...expressionCases,
  ...ruleCases,
  ...workloadCases,
  ...webhookCases,
  ...classCases,
  ...flowControlCases,
  ...certificateCases,
  ...policyCases,
  ...resizeCases,
];

/** Every case, each with a name of its own. */
export const allAnswers: readonly AnswerCase[] = cases.map((one) => {
  const differs = DIFFERENCES[one.name];
  return differs === undefined ? one : { ...one, differs };
});
