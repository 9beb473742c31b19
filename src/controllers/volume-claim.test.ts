import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type PersistentVolumeClaim, type StorageClass } from '#api/generated/types.ts';
import { claimNews } from './volume-claim.ts';

const classes: Readonly<Record<string, object>> = {
  now: { provisioner: 'p.example', volumeBindingMode: 'Immediate' },
  later: { provisioner: 'p.example', volumeBindingMode: 'WaitForFirstConsumer' },
};

const cases = [
  { name: 'no class', spec: {}, is: 'Normal FailedBinding' },
  { name: 'a class that is not there', spec: { storageClassName: 'x' }, is: 'Warning ProvisioningFailed' },
  { name: 'a provisioner to come', spec: { storageClassName: 'now' }, is: 'Normal ExternalProvisioning' },
  { name: 'a Pod to come', spec: { storageClassName: 'later' }, is: 'Normal WaitForFirstConsumer' },
  { name: 'a volume asked for by name', spec: { volumeName: 'v' }, is: undefined },
  { name: 'nothing any more', spec: {}, phase: 'Bound', is: undefined },
];

for (const { name, spec, phase = 'Pending', is } of cases) {
  test(`claimNews() of a claim that waits for ${name}`, () => {
    const claim = { metadata: {}, spec, status: { phase } } as unknown as PersistentVolumeClaim;
    const news = claimNews(claim, (wanted) => classes[wanted] as StorageClass | undefined);
    assert.equal(news && `${news.type} ${news.reason}`, is);
  });
}
