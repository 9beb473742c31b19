import { type AnswerCase } from './answer-case.ts';
import { expressionCases } from './expression-cases.ts';
import { ruleCases } from './rule-cases.ts';

/** Every case, each with a name of its own. */
export const allAnswers: readonly AnswerCase[] = [...expressionCases, ...ruleCases];
