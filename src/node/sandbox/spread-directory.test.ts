import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { spreadDirectory } from './spread-directory-sync.ts';

const EXT4_SUPER_MAGIC = 0xef53;

test('a directory is marked as the top of others on ext4, and left as it is elsewhere', (t) => {
  for (const parent of [tmpdir(), '/dev/shm']) {
    const directory = mkdtempSync(`${parent}/clusterip-spread-`);
    t.after(() => rmSync(directory, { recursive: true }));
    const known = statfsSync(directory).type === EXT4_SUPER_MAGIC;
    assert.equal(spreadDirectory(directory), known, parent);
    // Twice is once.
    assert.equal(spreadDirectory(directory), known, parent);
  }
});
