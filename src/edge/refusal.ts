import type { HostPort } from './host-port.ts';

/** Ports below are root's, unless net.ipv4.ip_unprivileged_port_start says otherwise. */
const PRIVILEGED = 1024;
/** 80 is at 8080 and 443 at 8443, as programs that may not have those do since long ago. */
const OFFSET = 8000;

/** Where a load balancer's address answers when its own port is root's: there nobody else listens on it. */
export function substitutePort({ balancer, port }: HostPort): number | undefined {
  return balancer !== undefined && port < PRIVILEGED ? port + OFFSET : undefined;
}

export interface Notice {
  readonly reason: string;
  readonly message: string;
}

/** What the Service's events say. */
export function refusalNotice(port: HostPort, code: string, substitute: number | undefined): Notice {
  const at = `${port.address.includes(':') ? `[${port.address}]` : port.address}:${port.port}`;
  if (code === 'EADDRINUSE') {
    return {
      reason: 'HostPortInUse',
      message: `Another program of this machine has ${at}/${port.protocol}; inside of the cluster nothing is the worse for it, and the port is taken as soon as it is free`,
    };
  }
  if (code === 'EACCES' || code === 'EPERM') {
    const instead = substitute === undefined ? '' : `on this machine ${port.address}:${substitute} leads there, `;
    return {
      reason: 'HostPortForbidden',
      message: `Only root may listen on ${at}/${port.protocol} of this machine; ${instead}inside of the cluster it is open. To allow it: sudo sysctl net.ipv4.ip_unprivileged_port_start=${port.port}`,
    };
  }
  return { reason: 'HostPortFailed', message: `Cannot listen on ${at}/${port.protocol} of this machine: ${code}` };
}
