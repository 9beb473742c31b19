import assert from 'node:assert/strict';
import test from 'node:test';
import { flagsAsConfig, readProxyFlags } from './proxy-flags.ts';

function read(...args: readonly string[]): unknown {
  const flags = readProxyFlags(args);
  return { ...flagsAsConfig(flags, false).raw, ...(flags.idle.length === 0 ? {} : { idle: flags.idle }) };
}

test('flags are read as kube-proxy reads them', () => {
  assert.deepEqual(read('--masquerade-all=T', '--bind-address-hard-fail', '--conntrack-tcp-be-liberal=0'), {
    nftables: { masqueradeAll: true },
    iptables: { masqueradeAll: true },
    bindAddressHardFail: true,
    conntrack: { tcpBeLiberal: false },
  });
  assert.deepEqual(read('--nodeport-addresses=10.0.0.0/8,fd00::/8', '--nodeport-addresses', '192.168.0.0/16'), {
    nodePortAddresses: ['10.0.0.0/8', 'fd00::/8', '192.168.0.0/16'],
  });
  // Of what is said twice the last counts; one dash is as good as two.
  assert.deepEqual(read('--proxy-mode=iptables', '-mode', 'nftables', '--hostname-override', 'a'), {
    mode: 'nftables',
    hostnameOverride: 'a',
  });
  assert.deepEqual(read('--ipvs-strict-arp', '--feature-gates', 'A=true', '--profiling=false', '--oom-score-adj=-5'), {
    oomScoreAdj: -5,
    idle: ['--ipvs-strict-arp', '--feature-gates', '--profiling'],
  });
});

test('deprecated ports switch servers off, and stand for those that addresses do not say', () => {
  assert.deepEqual(read('--healthz-port=0', '--metrics-port=0'), { healthzBindAddress: '', metricsBindAddress: '' });
  assert.deepEqual(read('--healthz-port=1', '--healthz-bind-address=::', '--metrics-bind-address=127.0.0.1:2'), {
    healthzBindAddress: '[::]:1',
    metricsBindAddress: '127.0.0.1:2',
  });
  assert.deepEqual(read('--metrics-port=1'), {});
});

test('flags that cannot be are refused', () => {
  for (const [args, message] of [
    [['--masquerade-all=yes'], 'Cannot read --masquerade-all "yes": it must be true or false'],
    [['--oom-score-adj=1.5'], 'Cannot read --oom-score-adj "1.5": it must be a whole number'],
    [
      ['--conntrack-udp-timeout=1d'],
      'Cannot read --conntrack-udp-timeout "1d": it must be a duration such as "30s" or "1h30m"',
    ],
    [['--config'], "Option '--config' needs a value"],
    [['--toString=1'], "Unexpected argument '--toString=1'"],
    [['--constructor=1'], "Unknown option '--constructor'"],
    [['up'], "Unexpected argument 'up'"],
  ] as const) {
    assert.throws(() => readProxyFlags(args), { code: 'EUSAGE', message });
  }
});

test('beside a file only those hold that may', () => {
  const { raw, ignored } = flagsAsConfig(
    readProxyFlags(['--hostname-override=a', '--masquerade-all', '--mode=iptables']),
    true,
  );
  assert.deepEqual(raw, { hostnameOverride: 'a', mode: 'iptables' });
  assert.deepEqual(ignored, ['--masquerade-all']);
});
