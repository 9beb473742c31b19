/** What became of one spec. */
export interface SpecResult {
  readonly name: string;
  readonly state: string;
}

interface GinkgoSpec {
  readonly LeafNodeType: string;
  readonly ContainerHierarchyTexts: readonly string[] | null;
  readonly LeafNodeText: string;
  readonly State: string;
}

/** The specs that ran, out of ginkgo's report in JSON. */
export function readReport(text: string): SpecResult[] {
  const suites = JSON.parse(text) as readonly { readonly SpecReports: readonly GinkgoSpec[] | null }[];
  return suites
    .flatMap(({ SpecReports }) => SpecReports ?? [])
    .filter(({ LeafNodeType, State }) => LeafNodeType === 'It' && State !== 'skipped' && State !== 'pending')
    .map((spec) => ({
      name: [...(spec.ContainerHierarchyTexts ?? []), spec.LeafNodeText].join(' '),
      state: spec.State,
    }));
}

export function failedSpecs(report: readonly SpecResult[]): string[] {
  return report.filter(({ state }) => state !== 'passed').map(({ name }) => name);
}

/** One line a failed spec, those that are known with their reason, and a line of numbers. */
export function summary(report: readonly SpecResult[], known: Readonly<Record<string, string>>): string {
  const failed = failedSpecs(report).toSorted();
  const lines = failed.map(
    (name) => `${known[name] === undefined ? 'FAILED ' : 'known  '}${name}${reason(known[name])}`,
  );
  return [...lines, `${report.length - failed.length} passed, ${failed.length} failed`, ''].join('\n');
}

function reason(text: string | undefined): string {
  return text === undefined ? '' : `: ${text}`;
}
