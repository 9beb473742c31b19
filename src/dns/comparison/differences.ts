/** A way in which our answers differ from CoreDNS's on purpose; docs/dns-differences.md has the reasons. */
export interface Difference {
  readonly why: string;
  readonly applies: (question: string, theirs: string, comparison: string) => boolean;
  readonly answer: (theirs: string, question: string, comparison: string) => string;
}

/** kubeadm's time to live is the only one that is set. */
const soaOf = (zone: string, comparison: string): string =>
  `! ${zone} SOA ns.dns.${zone} hostmaster.${zone} ${comparison === 'kubeadm' ? 30 : 5}`;
const isPodName = (question: string): boolean => /\.pod\.cluster\.local /.test(question);

const DIFFERENCES: readonly Difference[] = [
  {
    why: 'what other classes say of a server is not asked of others',
    applies: (question) => question === 'version.bind A CH',
    answer: () => 'REFUSED -aa',
  },
  {
    why: 'the case of the question is kept in every name that ends like it',
    applies: (question, theirs) => question.startsWith('WEB.ns') && theirs.includes('SRV'),
    answer: (theirs) => theirs.replace('+ web.', '+ WEB.'),
  },
  {
    why: 'a name that does not exist has no SOA either',
    applies: (question, theirs) => question.endsWith(' SOA') && theirs.startsWith('NOERROR') && isNoName(question),
    answer: (theirs) => theirs.replace('NOERROR', 'NXDOMAIN'),
  },
  {
    why: 'a name that exists does for every type',
    applies: (question, theirs) =>
      theirs.startsWith('NXDOMAIN') &&
      (/^((svc|pod|(ns|bare)\.svc|ns\.pod)\.)?cluster\.local TXT$/.test(question) ||
        question.startsWith('dns-version.')),
    answer: (theirs) => theirs.replace('NXDOMAIN', 'NOERROR'),
  },
  {
    why: 'an alias is said also where it leads to no text',
    applies: (question) => /^(gone-)?out\.ns\.svc\.cluster\.local TXT$/.test(question),
    answer: (_, question) => {
      const [name = ''] = question.split(' ');
      return `NOERROR | ${name} CNAME ${name.startsWith('gone') ? 'none.' : ''}example.org`;
    },
  },
  {
    why: "there is nothing below a Pod's name",
    applies: (question, theirs) => isPodName(question) && question.startsWith('a.') && !theirs.includes(' -aa'),
    answer: (_theirs, _question, comparison) => `NXDOMAIN | ${soaOf('cluster.local', comparison)}`,
  },
  {
    why: 'a Pod has no ports that DNS would know',
    applies: (question, theirs) => isPodName(question) && question.endsWith(' SRV') && theirs.includes(' SRV 0 '),
    answer: (_theirs, _question, comparison) => `NOERROR | ${soaOf('cluster.local', comparison)}`,
  },
  {
    why: 'a reverse name that exists does for every type',
    applies: (question) => question === '7.0.96.10.in-addr.arpa A',
    answer: (_theirs, _question, comparison) => `NOERROR | ${soaOf('in-addr.arpa', comparison)}`,
  },
  {
    why: 'the alias of a walked search path is ours, whatever it leads to',
    applies: (_question, theirs, comparison) => comparison === 'autopath' && theirs.includes(' CNAME example.org'),
    answer: (theirs) => theirs.replace(' -aa', ''),
  },
  {
    why: 'a walked search path is said also where it ends without data',
    applies: (question, _theirs, comparison) =>
      comparison === 'autopath' && question.endsWith('ns.svc.cluster.local AAAA'),
    answer: (theirs, question) => {
      const [name = ''] = question.split(' ');
      const alias = `${name} CNAME ${name.replace('.ns.svc.cluster.local', name.startsWith('web') ? '.svc.cluster.local' : '')}`;
      return name.startsWith('web') ? `${theirs} | ${alias}` : `NOERROR | ${alias}`;
    },
  },
  {
    why: 'a prefix may end inside of a label, as its documentation says',
    applies: (question) => question === 'old-name.test A',
    answer: () => 'NOERROR | new-name.test A 192.0.2.8',
  },
];

function isNoName(question: string): boolean {
  return (
    !/^(web|two-ports|quiet|six|dual|lonely|db|pair|portless|twins|out|inside|gone-out|dangling)\.ns\.svc/i.test(
      question,
    ) && !/^((svc|pod|(ns|bare)\.svc|ns\.pod|dns-version)\.)?cluster\.local /.test(question)
  );
}

/** What we should say where CoreDNS says `theirs`. */
export function wantedAnswer(theirs: string, question: string, comparison: string): string {
  const difference = DIFFERENCES.find(({ applies }) => applies(question, theirs, comparison));
  return difference === undefined ? theirs : difference.answer(theirs, question, comparison);
}
