import { createHash } from 'node:crypto';
import type { OpenApiDocuments } from '#api/openapi/openapi-documents.ts';
import type { KindRegistry } from '#api/registry.ts';
import type { ApiRequest, ApiResponse } from '#api/request.ts';
import { DISCOVERY_SHAPES, negotiate } from '../negotiate.ts';
import { aggregatedDiscovery } from './aggregated-discovery.ts';
import { apiGroup, apiGroupList, apiResourceList, apiVersions } from './legacy-discovery.ts';
import {
  openApiKinds,
  servedGroups,
  servedResources,
  type ServedGroup,
  type ServedResource,
} from './served-resource.ts';

/** What is derived from one state of the registry; made anew when a kind comes or goes. */
interface Derived {
  readonly generation: number;
  readonly resources: readonly ServedResource[];
  readonly groups: readonly ServedGroup[];
  readonly texts: Map<string, { readonly text: string; readonly hash: string }>;
  openApi: Promise<OpenApiDocuments> | undefined;
}

/** Tells clients what there is to ask for: `/api`, `/apis` and below, `/openapi/v2` and `/openapi/v3`. */
export class Discovery {
  readonly #registry: KindRegistry;
  readonly #serverVersion: string;
  readonly #serverAddress: () => string;
  #derived: Derived | undefined;

  constructor(registry: KindRegistry, serverVersion: string, serverAddress: () => string) {
    this.#registry = registry;
    this.#serverVersion = serverVersion;
    this.#serverAddress = serverAddress;
  }

  /** Undefined for paths that are none of its own. */
  async serve(request: ApiRequest): Promise<ApiResponse | undefined> {
    const [root, ...rest] = request.path.split('/').filter((segment) => segment !== '');
    if (root === 'openapi') return this.#openApi(request, rest);
    if (root !== 'api' && root !== 'apis') return undefined;
    if (rest.length === 0) return this.#root(request, root === 'api');
    const [group = '', version] = root === 'api' ? ['', ...rest] : rest;
    return version === undefined ? this.#group(group) : this.#resources(group, version);
  }

  hasGroup(group: string): boolean {
    return this.groupVersions.some((name) => name.startsWith(`${group}/`));
  }

  has(group: string, version: string): boolean {
    return this.#state().resources.some((resource) => resource.group === group && resource.version === version);
  }

  get groupVersions(): readonly string[] {
    return this.#state().groups.flatMap(({ group, versions }) => versions.map(({ version }) => `${group}/${version}`));
  }

  #state(): Derived {
    const { generation } = this.#registry;
    if (this.#derived?.generation !== generation) {
      const resources = servedResources(this.#registry);
      this.#derived = { generation, resources, groups: servedGroups(resources), texts: new Map(), openApi: undefined };
    }
    return this.#derived;
  }

  #root(request: ApiRequest, core: boolean): ApiResponse {
    const { as, version } = negotiate(request.accept, DISCOVERY_SHAPES);
    const { groups } = this.#state();
    if (as === undefined) {
      return { kind: 'object', status: 200, body: core ? apiVersions(this.#serverAddress()) : apiGroupList(groups) };
    }
    const members = groups.filter(({ group }) => (group === '') === core);
    const body = (): unknown => aggregatedDiscovery(members, version);
    const contentType = `application/json;g=apidiscovery.k8s.io;v=${version};as=${as}`;
    return this.#hashed(`${core ? 'api' : 'apis'} ${version}`, body, contentType);
  }

  #group(name: string): ApiResponse | undefined {
    const group = this.#state().groups.find((served) => served.group === name);
    return group === undefined ? undefined : { kind: 'object', status: 200, body: apiGroup(group) };
  }

  #resources(group: string, version: string): ApiResponse | undefined {
    const served = this.#state().groups.find((candidate) => candidate.group === group);
    const found = served?.versions.find((candidate) => candidate.version === version);
    if (found === undefined) return undefined;
    return { kind: 'object', status: 200, body: apiResourceList(group, version, found.resources) };
  }

  #hashed(key: string, body: () => unknown, contentType: string): ApiResponse {
    const { texts } = this.#state();
    let made = texts.get(key);
    if (made === undefined) {
      const text = JSON.stringify(body());
      made = { text, hash: createHash('sha512').update(text).digest('hex').toUpperCase() };
      texts.set(key, made);
    }
    const headers = { etag: `"${made.hash}"`, vary: 'Accept', 'cache-control': 'public' };
    return { kind: 'text', status: 200, body: made.text, contentType, headers };
  }

  async #openApi(request: ApiRequest, [version, ...rest]: readonly string[]): Promise<ApiResponse | undefined> {
    const documents = await this.#documents();
    if (version === 'v2' && rest.length === 0) return openApiV2(request, documents);
    if (version !== 'v3') return undefined;
    if (rest.length === 0) {
      const { text, hash } = documents.index();
      return document(text, hash, 'application/json', {});
    }
    const found = documents.groupVersion(rest.join('/'));
    if (found === undefined) return undefined;
    // A URL that names the content by its hash may be kept for ever.
    const fresh = request.query['hash'] === found.hash;
    return document(found.text, found.hash, 'application/json', fresh ? { 'cache-control': 'public, immutable' } : {});
  }

  #documents(): Promise<OpenApiDocuments> {
    const state = this.#state();
    // Large, and wanted by few: not a part of start-up.
    state.openApi ??= import('#api/openapi/openapi-documents.ts').then(({ openApiDocuments }) =>
      openApiDocuments(openApiKinds(state.resources), this.#serverVersion),
    );
    return state.openApi;
  }
}

function document(
  body: string | Uint8Array,
  hash: string,
  contentType: string,
  headers: Readonly<Record<string, string>>,
): ApiResponse {
  return { kind: 'text', status: 200, body, contentType, headers: { etag: `"${hash}"`, vary: 'Accept', ...headers } };
}

async function openApiV2({ accept = '' }: ApiRequest, documents: OpenApiDocuments): Promise<ApiResponse> {
  const { acceptsOpenApiV2Protobuf, OPENAPI_V2_PROTOBUF_TYPE } = await import('#api/openapi/openapi-v2-protobuf.ts');
  if (acceptsOpenApiV2Protobuf(accept)) {
    const { bytes, hash } = documents.v2Protobuf();
    return document(bytes, hash, OPENAPI_V2_PROTOBUF_TYPE, {});
  }
  const { text, hash } = documents.v2();
  return document(text, hash, 'application/json', {});
}
