const CONVERSION = 'custom kinds are not converted by webhooks';
const CRD = '[sig-api-machinery] CustomResourceConversionWebhook [Privileged:ClusterAdmin]';

/** The conformance specs that do not pass, and why. */
export const known: Readonly<Record<string, string>> = {
  '[sig-api-machinery] Aggregator Should be able to support the 1.17 Sample API Server using the current Aggregator [Conformance]':
    'requests are not passed on to API servers of others',
  [`${CRD} should be able to convert from CR v1 to CR v2 [Conformance]`]: CONVERSION,
  [`${CRD} should be able to convert a non homogeneous list of CRs [Conformance]`]: CONVERSION,
  '[sig-api-machinery] CustomResourceFieldSelectors [Privileged:ClusterAdmin] CustomResourceFieldSelectors MUST list and watch custom resources matching the field selector [Conformance]':
    CONVERSION,
};
