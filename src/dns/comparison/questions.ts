/** A Corefile and what is asked of it; `PORT`, `ENDPOINT` and `UPSTREAM` are filled in. */
export interface Comparison {
  readonly name: string;
  readonly corefile: string;
  readonly questions: readonly string[];
}

const TYPES = ['A', 'AAAA', 'SRV', 'TXT', 'CNAME', 'MX', 'NS', 'SOA', 'PTR'] as const;
const svc = (name: string): string => (name.endsWith('.') ? name.slice(0, -1) || '.' : `${name}.svc.cluster.local`);
const all = (...names: readonly string[]): readonly string[] =>
  names.flatMap((name) => TYPES.map((type) => `${svc(name)} ${type}`));
const each = (type: string, ...names: readonly string[]): readonly string[] =>
  names.map((name) => `${svc(name)} ${type}`);

const kubernetes = (more: string): string => `    endpoint ENDPOINT\n${more}`;

/** As kubeadm has it, but for the API server, the port and the servers for other names. */
const KUBEADM = `.:PORT {
  errors
  kubernetes cluster.local in-addr.arpa ip6.arpa {
${kubernetes('    pods insecure\n    fallthrough in-addr.arpa ip6.arpa\n    ttl 30')}
  }
  forward . UPSTREAM
  loop
  loadbalance
}
`;

const SERVICES = all(
  'web.ns',
  'WEB.ns',
  'two-ports.ns',
  'quiet.ns',
  'six.ns',
  'dual.ns',
  'lonely.ns',
  'db.ns',
  'pair.ns',
  'portless.ns',
  'empty.ns',
  'unready.ns',
  'twins.ns',
  'none.ns',
  'web.none',
);

const LABELS = [
  ...each(
    'SRV',
    '_http._tcp.web.ns',
    '_HTTP._TCP.web.ns',
    'http.tcp.web.ns',
    '_http._udp.web.ns',
    '_other._tcp.web.ns',
    '_tcp.web.ns',
    '_http.web.ns',
    '_._tcp.quiet.ns',
    'a._http._tcp.web.ns',
    '_http._tcp.db.ns',
    '_http._tcp.pair.ns',
    '_http._tcp.twins.ns',
    '_admin._tcp.twins.ns',
    '_http._tcp.empty.ns',
    '_http._tcp.db-0.db.ns',
    '_dns._udp.kube-dns.kube-system',
    '_dns-tcp._tcp.kube-dns.kube-system',
    'db-0.db.ns',
    't-0.twins.ns',
    '10-244-0-7.db.ns',
    '10-244-0-5.web.ns',
    'p.pair.ns',
  ),
  ...each(
    'A',
    '_http._tcp.web.ns',
    '_http._udp.web.ns',
    'db-0.db.ns',
    'DB-0.db.ns',
    'db-1.db.ns',
    '10-244-0-6.db.ns',
    '10-244-0-7.db.ns',
    '10-244-0-8.db.ns',
    'db-pod.db.ns',
    'web-abc12.web.ns',
    '10-244-0-5.web.ns',
    '10-244-0-15.web.ns',
    '10-244-0-6.web.ns',
    'p.pair.ns',
    'fd00-244--2.pair.ns',
    '10-244-2-1.portless.ns',
    'a.b.c.d.web.ns',
    '*.ns',
    'web.*',
  ),
  ...each('AAAA', 'db-0.db.ns', 'p.pair.ns', 'fd00-244--2.pair.ns', '10-244-0-5.web.ns'),
];

const ALIASES = [
  ...['out.ns', 'inside.ns', 'gone-out.ns', 'dangling.ns', 'address.ns'].flatMap((name) => all(name)),
  ...each('A', 'chained-out.ns', 'chain.ns', 'loop.ns', 'endpoint.out.ns', '_http._tcp.out.ns'),
  ...each('CNAME', 'chain.ns', 'loop.ns', 'endpoint.out.ns'),
];

const APEX = all(
  'cluster.local.',
  'svc.cluster.local.',
  'pod.cluster.local.',
  'ns.svc.cluster.local.',
  'bare.svc.cluster.local.',
  'none.svc.cluster.local.',
  'ns.pod.cluster.local.',
  'none.pod.cluster.local.',
  'dns-version.cluster.local.',
  'nothing.cluster.local.',
  'a.b.cluster.local.',
);

const PODS = [
  ...each(
    'A',
    '10-244-0-5.ns.pod.cluster.local.',
    '10-244-0-99.ns.pod.cluster.local.',
    '10-244-9-9.ns.pod.cluster.local.',
    '10-244-0-5.hidden.pod.cluster.local.',
    '10-244-0-5.none.pod.cluster.local.',
    'fd00--5.ns.pod.cluster.local.',
    'no-address.ns.pod.cluster.local.',
    '999-1-1-1.ns.pod.cluster.local.',
    'a.10-244-0-5.ns.pod.cluster.local.',
  ),
  ...each('AAAA', '10-244-0-5.ns.pod.cluster.local.', 'fd00--5.ns.pod.cluster.local.', '--1.ns.pod.cluster.local.'),
  ...each('SRV', '10-244-0-5.ns.pod.cluster.local.'),
  ...each('TXT', '10-244-0-5.ns.pod.cluster.local.'),
];

const REVERSE = [
  ...each(
    'PTR',
    '7.0.96.10.in-addr.arpa.',
    '7.0.96.10.IN-ADDR.arpa.',
    '5.0.244.10.in-addr.arpa.',
    '6.0.244.10.in-addr.arpa.',
    '7.0.244.10.in-addr.arpa.',
    '8.0.244.10.in-addr.arpa.',
    '1.1.244.10.in-addr.arpa.',
    '1.2.0.192.in-addr.arpa.',
    '0.96.10.in-addr.arpa.',
    '256.0.96.10.in-addr.arpa.',
    '6.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.6.9.0.0.0.0.d.f.ip6.arpa.',
    '1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.4.4.2.0.0.0.d.f.ip6.arpa.',
    '13.0.96.10.in-addr.arpa.',
  ),
  ...each('A', '7.0.96.10.in-addr.arpa.', '8.0.244.10.in-addr.arpa.'),
];

const OUTSIDE = [
  ...each('A', 'example.org.', 'none.example.org.', 'alias.example.org.', 'notcluster.local.', 'local.'),
  ...each('MX', 'example.org.'),
  ...each('AXFR', 'cluster.local.', 'web.ns'),
  ...each('IXFR', 'cluster.local.'),
];

export const COMPARISONS: readonly Comparison[] = [
  {
    name: 'kubeadm',
    corefile: KUBEADM,
    // Who answers says who it is in a way of its own.
    questions: [
      ...SERVICES,
      ...LABELS,
      ...ALIASES,
      ...APEX.filter((question) => question !== 'cluster.local NS'),
      ...PODS,
      ...REVERSE,
      ...OUTSIDE,
    ],
  },
  {
    name: 'pods verified, endpoint_pod_names, no fallthrough',
    corefile: `.:PORT {
  kubernetes cluster.local in-addr.arpa ip6.arpa {
${kubernetes('    pods verified\n    endpoint_pod_names')}
  }
  forward . UPSTREAM
}
`,
    questions: [
      ...PODS,
      ...REVERSE,
      ...each('A', 'db-pod.db.ns', '10-244-0-7.db.ns', 'db-0.db.ns', 'web-abc12.web.ns', '10-244-0-15.web.ns'),
      ...each('SRV', '_http._tcp.db.ns', 'web-abc12.web.ns'),
    ],
  },
  {
    name: 'pods disabled, one namespace, ignore empty_service',
    corefile: `.:PORT {
  kubernetes cluster.local in-addr.arpa {
${kubernetes('    namespaces ns\n    ignore empty_service\n    fallthrough')}
  }
  forward . UPSTREAM
}
`,
    questions: [
      ...PODS,
      ...each('A', 'web.ns', 'lonely.ns', 'quiet.ns', 'db.ns', 'other.hidden', 'kube-dns.kube-system', 'none.ns'),
      ...each('SRV', '_http._tcp.lonely.ns', 'web.ns'),
      ...each('A', 'ns.svc.cluster.local.', 'hidden.svc.cluster.local.', 'pod.cluster.local.', 'cluster.local.'),
      ...each('PTR', '7.0.96.10.in-addr.arpa.', '13.0.96.10.in-addr.arpa.'),
    ],
  },
  {
    name: 'noendpoints, labels of namespaces, two domains',
    corefile: `.:PORT {
  kubernetes cluster.local k8s.test in-addr.arpa {
${kubernetes('    noendpoints\n    namespace_labels name in (ns,bare)')}
  }
  forward . UPSTREAM
}
`,
    questions: [
      ...each('A', 'web.ns', 'db.ns', 'db-0.db.ns', 'other.hidden', 'web.ns.svc.k8s.test.', 'none.ns.svc.k8s.test.'),
      ...each('SRV', 'web.ns', '_http._tcp.db.ns', '_http._tcp.web.ns.svc.k8s.test.'),
      ...each('PTR', '7.0.96.10.in-addr.arpa.', '5.0.244.10.in-addr.arpa.'),
    ],
  },
  {
    name: 'hosts, rewrite, another server block',
    corefile: `.:PORT {
  rewrite name exact short.test web.ns.svc.cluster.local
  rewrite name suffix .k8s.test .svc.cluster.local answer auto
  rewrite name regex (.*)\\.in\\.(.*)\\.test {1}.{2}.svc.cluster.local answer auto
  rewrite stop name prefix old- new-
  hosts {
    192.0.2.7 seven.test Seven.Other.test
    2001:db8::7 seven.test
    192.0.2.8 new-name.test
    fallthrough
  }
  kubernetes cluster.local {
${kubernetes('    pods disabled')}
  }
  forward . UPSTREAM {
    except private.test
  }
}
stub.test:PORT {
  hosts {
    192.0.2.9 a.stub.test
  }
}
`,
    questions: [
      ...each('A', 'short.test.', 'SHORT.test.', 'web.ns.k8s.test.', 'none.ns.k8s.test.', 'db.in.ns.test.'),
      ...each('A', 'inside.ns.k8s.test.', 'seven.test.', 'seven.other.test.', 'old-name.test.', 'example.org.'),
      ...each('A', 'a.stub.test.', 'b.stub.test.', 'stub.test.', 'a.private.test.', 'out.ns'),
      ...each('AAAA', 'seven.test.', 'seven.other.test.', 'short.test.', 'a.stub.test.'),
      ...each('MX', 'seven.test.'),
      ...each('SRV', '_http._tcp.db.ns.k8s.test.', 'db.in.ns.test.'),
      ...each('PTR', '7.2.0.192.in-addr.arpa.', '9.2.0.192.in-addr.arpa.', '7.0.96.10.in-addr.arpa.'),
    ],
  },
  {
    name: 'template, chaos',
    corefile: `.:PORT {
  template ANY ANY internal.cloudapp.net {
    match "^(?:[^.]+\\.){4,}internal\\.cloudapp\\.net\\.$"
    rcode NXDOMAIN
    fallthrough
  }
  template ANY ANY reddog.microsoft.com {
    rcode NXDOMAIN
  }
  template IN A ip.test {
    match (^|[.])ip-(?P<a>[0-9]*)-(?P<b>[0-9]*)-(?P<c>[0-9]*)-(?P<d>[0-9]*)[.]ip[.]test[.]$
    match "^hex0a(?P<b>[a-f0-9]{2})(?P<c>[a-f0-9]{2})(?P<d>[a-f0-9]{2})[.]ip[.]test[.]$"
    answer "{{ .Name }} 60 IN A 10.{{ parseInt .Group.b 16 8 }}.{{ parseInt .Group.c 16 8 }}.{{ parseInt ( index .Group \\"d\\" ) 16 8 }}"
    fallthrough
  }
  template IN AAAA v6.test {
    authority "{{ .Zone }} 60 {{ .Class }} SOA ns.{{ .Zone }} hostmaster.{{ .Zone }} (1 60 60 60 60)"
  }
  template IN ANY many.test {
    match "^(.+)\\.(?P<name>[a-z]+)\\.many\\.test\\.$"
    answer "{{ .Name }} 60 IN MX 10 {{/* which */}}{{ index .Group \\"name\\" -}}  .test." "{{ .Name }} TXT {{ .Type }} \\"{{ index .Match 1 }} {{.Remote}}\\""
    additional "{{ .Group.name }}.test. 60 IN A 10.0.0.1"
    authority "many.test. 1h IN NS ns0.many.test."
  }
  template IN PTR 10.in-addr.arpa {
    match ^(?P<d>[0-9]*)[.](?P<c>[0-9]*)[.](?P<b>[0-9]*)[.]10[.]in-addr[.]arpa[.]$
    answer "{{ .Name }} 60 IN PTR ip-10-{{ .Group.b }}-{{ .Group.c }}-{{ .Group.d }}.ip.test."
  }
  template IN ANY alias.test {
    match "^(?P<to>.*)\\.alias\\.test\\.$"
    answer "{{ .Name }} 60 IN CNAME {{ .Group.to }}"
  }
  template IN SRV srv.test {
    answer "{{ .Name }} 30 IN SRV 0 100 80 {{ .Name }}"
  }
  template IN A wrong.test {
    match "^(.*)\\.wrong\\.test\\.$"
    answer "{{ .Name }} 60 IN A 10.0.0.{{ index .Match 1 }}"
  }
  chaos said-1 somebody
  forward . UPSTREAM
}
`,
    questions: [
      ...each('A', 'a.b.c.d.internal.cloudapp.net.', 'b.c.d.internal.cloudapp.net.', 'x.reddog.microsoft.com.'),
      ...each('AAAA', 'a.b.c.d.internal.cloudapp.net.', 'reddog.microsoft.com.', 'a.v6.test.', 'v6.test.'),
      ...each('A', 'ip-10-1-2-3.ip.test.', 'IP-10-1-2-3.ip.TEST.', 'hex0a010203.ip.test.', 'no.ip.test.', 'a.v6.test.'),
      ...each('MX', 'a.b.many.test.', 'many.test.', 'A.b.many.test.'),
      ...each('TXT', 'x.y.z.many.test.', 'ip-10-1-2-3.ip.test.'),
      ...each('PTR', '3.2.1.10.in-addr.arpa.', '1.10.in-addr.arpa.', '1.1.1.11.in-addr.arpa.'),
      ...each('A', 'example.org.alias.test.', 'alias.example.org.alias.test.', 'none.example.org.alias.test.'),
      ...each('CNAME', 'example.org.alias.test.'),
      ...each('MX', 'example.org.alias.test.'),
      ...each('SRV', '_http._tcp.srv.test.'),
      ...each('A', 'srv.test.', '1.wrong.test.', '256.wrong.test.', 'x.wrong.test.'),
      ...['version.bind', 'version.server', 'authors.bind'].map((name) => `${name} TXT CH`),
      'version.bind A CH',
    ],
  },
  {
    name: 'acl',
    corefile: `.:PORT {
  acl open.test {
    allow net 127.0.0.1 ::1
    block
  }
  acl blocked.test other.test {
    block type A net 10.0.0.0/8 127.0.0.0/8
    filter type AAAA MX
  }
  acl blocked.test {
    filter type * net *
  }
  acl deep.other.test
  acl foreign.test {
    block net 10.0.0.0/8 fd00::/8
  }
  template IN A test {
    answer "{{ .Name }} 5 IN A 192.0.2.1"
  }
}
`,
    questions: [
      ...each(
        'A',
        'a.open.test.',
        'a.blocked.test.',
        'a.other.test.',
        'a.deep.other.test.',
        'a.foreign.test.',
        'a.test.',
      ),
      ...each('AAAA', 'a.blocked.test.', 'a.other.test.', 'a.foreign.test.'),
      ...each('TXT', 'a.blocked.test.', 'a.other.test.'),
      ...each('MX', 'a.other.test.', 'a.open.test.'),
    ],
  },
  {
    name: 'autopath',
    corefile: `.:PORT {
  autopath @kubernetes
  kubernetes cluster.local in-addr.arpa {
${kubernetes('    pods verified')}
  }
  forward . UPSTREAM
}
`,
    questions: [
      ...each('A', 'web.ns', 'web.ns.ns', 'kube-dns.kube-system.ns', 'example.org.ns', 'none.example.org.ns'),
      ...each('A', 'web.ns.svc.ns', 'web.ns.kube-system', 'example.org.svc.cluster.local.', 'out.ns.ns'),
      ...each('AAAA', 'web.ns.ns', 'example.org.ns'),
      ...each('SRV', '_http._tcp.web.ns.ns'),
    ],
  },
];
