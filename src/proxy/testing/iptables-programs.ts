import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Scripts that stand before iptables’ programs and can be told to refuse. */
export class IptablesPrograms implements Disposable {
  /** For `IptablesOptions.path`. */
  readonly path: string = mkdtempSync(join(tmpdir(), 'clusterip-iptables-'));

  constructor() {
    for (const family of ['iptables', 'ip6tables']) {
      for (const variant of ['nft', 'legacy']) this.#stand(`${family}-${variant}`);
    }
  }

  /** Refuses what holds this text; undefined for nothing. */
  refuse(text: string | undefined): void {
    const file = join(this.path, 'refuse');
    if (text === undefined) rmSync(file, { force: true });
    else writeFileSync(file, text);
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }

  #stand(name: string): void {
    const real = ['/usr/sbin', '/sbin', '/usr/local/sbin'].find((directory) => existsSync(join(directory, name)));
    const scripts = {
      [`${name}-restore`]: `input=$(cat; echo .); input=\${input%.}
if [ -e "${this.path}/refuse" ] && printf %s "$input" | grep -qFe "$(cat "${this.path}/refuse")"; then
  echo "${name}-restore: line 3 failed" >&2; exit 1
fi
printf %s "$input" | ${real}/${name}-restore "$@"`,
      [`${name}-save`]: `exec ${real}/${name}-save "$@"`,
      [name]: `exec ${real}/${name} "$@"`,
    };
    for (const [file, script] of Object.entries(scripts)) {
      writeFileSync(join(this.path, file), `#!/bin/sh\nPATH=/usr/bin:/bin\n${script}\n`);
      chmodSync(join(this.path, file), 0o755);
    }
  }
}
