export const VERSION = '0.1.0';
/** The Kubernetes API level that the server tells its clients. */
export const KUBERNETES_VERSION = 'v1.34.2';
