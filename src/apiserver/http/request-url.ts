export interface RequestUrl {
  readonly path: string;
  /** Behind the question mark, as it came. */
  readonly search: string;
  /** The first value of each name. */
  readonly query: Readonly<Record<string, string>>;
}

const NO_QUERY: Readonly<Record<string, string>> = Object.freeze({});

export function parseUrl(url: string): RequestUrl {
  const mark = url.indexOf('?');
  if (mark < 0) return { path: url, search: '', query: NO_QUERY };
  const search = url.slice(mark + 1);
  const query: Record<string, string> = {};
  for (const [name, value] of new URLSearchParams(search)) {
    if (!Object.hasOwn(query, name)) query[name] = value;
  }
  return { path: url.slice(0, mark), search, query };
}
