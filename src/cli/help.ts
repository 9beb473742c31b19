export const HELP = `clusterip: Kubernetes Services, complete, on your machine

  clusterip up        start a cluster and wait until it is ready
      --name N              its name [default]
      --nodes N             how many nodes [1]
      --zones Z,...         zones of the nodes, in turn (topology.kubernetes.io/zone)
      --node-labels K=V,... labels of all nodes
      --data-dir D          where it keeps its state [$XDG_STATE_HOME/clusterip/NAME]
      --kubeconfig F        where to put its context [$KUBECONFIG, else ~/.kube/config]
      --api-port P          port of the API server on 127.0.0.1 [any free one, then kept]
      --service-cidr C      range of the ClusterIPs; two families with a comma between [10.96.0.0/12]
      --pod-cidr C          range of the Pod addresses, of the same families [10.244.0.0/16]
      --load-balancer-cidr C  range of the load balancers, or none [a /24 of its own in 127.0.0.0/8]
      --static-cluster-ips P  allow or deny that users choose the address of a Service [allow]
      --storage S           sqlite [sqlite]
      --proxy-mode M        nftables, iptables as the textbooks have it, or none for one of your own [nftables]
      --registry-mirror R=URL,...  where to ask for images of registry R first
      --no-egress           Pods do not reach the internet, which takes pasta (Debian: passt)
      --dns-autopath A      on: DNS walks the search path of Pods for them [off]
      --disk-pressure D     on: a disk that is nearly full costs images, then Pods, as with a kubelet [off]
      --foreground          stay; Ctrl-C stops the cluster
      --wait S              give up after S seconds [60]
      --output text|json
  clusterip down      [--name N | --data-dir D | --all] [--purge] [--kubeconfig F]
                      stop; --purge also deletes the state and the context in the kubeconfig
  clusterip status    [--name N | --data-dir D] [--output text|json]
  clusterip list      [--output text|json]                         clusters on this machine
  clusterip node      list | add [NODE] [--labels K=V,...] | remove NODE ... | stop NODE ... | start NODE ...
                      [--name N | --data-dir D] [--output text|json]
                      stop cuts a node off and ends its Pods, as a power failure does
  clusterip image     load FILE ... [--tag IMAGE] | pull IMAGE ... | list | remove IMAGE ... | prune
                      [--name N | --data-dir D] [--output text|json]
                      archives of docker save, podman save, skopeo; - is standard input
  clusterip proxy     [--kubeconfig F] [--context C] [--node-name N] [--mode nftables|iptables] [--config F]
                      the service proxy of a node of any cluster, in the place of kube-proxy, whose other flags it
                      takes too; without --kubeconfig by the account of its Pod
      --cluster-cidr C      range of the Pod addresses; what comes from elsewhere is masqueraded
      --nodeport-addresses A  primary, or the ranges whose addresses have NodePorts [primary]
      --masquerade-all      masquerade everything that goes to cluster addresses
      --healthz-bind-address A  address and port of /healthz and /livez [0.0.0.0:10256]
      --metrics-bind-address A  address and port of /metrics and /proxyMode [127.0.0.1:10249]
      --cleanup             remove the rules and end; with --cleanup-kube-proxy also what kube-proxy left
  clusterip dns       [--kubeconfig F] [--context C] [--corefile F] [--check]
                      cluster DNS for any cluster, in the place of CoreDNS; without --corefile (or --config):
      --listen A            address and port [:53]
      --zone D              the cluster's domain [cluster.local]
      --upstream S,S        servers for other names, or a file that names them [/etc/resolv.conf]
      --pods M              names of Pods: disabled, insecure or verified [insecure]
      --ttl S               how long answers may be kept [5]
      --autopath            walk the search path of Pods for them
      --monitor A           address and port of /health, /ready and /metrics [none]
  clusterip kubectl   [--name N] -- ARGS                            kubectl from PATH on this cluster

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 (status) not all is ready, 130 interrupted; kubectl: that of kubectl.
`;

/** The part of the help that is about one command; undefined if there is none of that name. */
export function helpOf(command: string): string | undefined {
  const [, ...sections] = HELP.slice(0, HELP.indexOf('\nExit codes')).split(/^(?= {2}clusterip )/m);
  return sections.find((section) => section.startsWith(`  clusterip ${command} `));
}

/** Whether a command line asks for help instead of the deed. What follows `--` is meant for another program. */
export function asksForHelp(args: readonly string[]): boolean {
  const end = args.indexOf('--');
  return args.slice(0, end === -1 ? args.length : end).some((arg) => arg === '--help' || arg === '-h');
}
