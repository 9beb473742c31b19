import { Transform } from 'node:stream';

/** Attributes with a link, by the elements that have them. */
const LINKS: Readonly<Record<string, readonly string[]>> = {
  a: ['href'],
  applet: ['codebase'],
  area: ['href'],
  audio: ['src'],
  base: ['href'],
  blockquote: ['cite'],
  body: ['background'],
  button: ['formaction'],
  command: ['icon'],
  del: ['cite'],
  embed: ['src'],
  form: ['action'],
  frame: ['longdesc', 'src'],
  head: ['profile'],
  html: ['manifest'],
  iframe: ['longdesc', 'src'],
  img: ['longdesc', 'src', 'usemap'],
  input: ['formaction', 'src', 'usemap'],
  ins: ['cite'],
  link: ['href'],
  object: ['classid', 'codebase', 'data', 'usemap'],
  q: ['cite'],
  script: ['src'],
  source: ['src'],
  track: ['src'],
  video: ['poster', 'src'],
};

/** One attribute with what is before it. Only for the inside of a tag whose quotes are all closed. */
const ATTRIBUTE = /([\s/]*)([^\s/=>]+)(?:(\s*=\s*)("[^"]*"|'[^']*'|[^\s>]+))?/g;

/** What is held back in wait of a tag's end; longer ones pass as they are. */
const MAX_TAG_CHARACTERS = 64 * 1024;

/** Where the links of a page lead: `prefix` goes before paths of the same `host`, as clients of `/proxy` need it. */
export interface LinkBase {
  readonly prefix: string;
  readonly host: string;
}

/** Links to other hosts, relative ones, and those that have the prefix stay. */
export function proxiedLink(link: string, { prefix, host }: LinkBase): string {
  const own = new RegExp(`^(?:https?:)?//${RegExp.escape(host)}(?=/|$)`).exec(link);
  const path = own === null ? link : link.slice(own[0].length) || '/';
  const isAbsolute = path.startsWith('/') && !path.startsWith('//');
  return isAbsolute && !path.startsWith(`${prefix}/`) ? prefix + path : path;
}

export function withProxiedLinks(html: string, base: LinkBase): string {
  const { done, rest } = rewrite(html, base);
  return done + rest;
}

/** The same for a page that comes in pieces. */
export function proxiedLinks(base: LinkBase): Transform {
  let held = '';
  // Byte for byte: the page may be in any encoding that has ASCII in it.
  return new Transform({
    transform(chunk: Buffer, _encoding, callback) {
      const { done, rest } = rewrite(held + chunk.toString('latin1'), base);
      const isTooLong = rest.length > MAX_TAG_CHARACTERS;
      held = isTooLong ? '' : rest;
      callback(null, Buffer.from(isTooLong ? done + rest : done, 'latin1'));
    },
    flush(callback) {
      callback(null, Buffer.from(held, 'latin1'));
    },
  });
}

/** `rest` begins with a tag or a comment that has not ended. */
function rewrite(html: string, base: LinkBase): { readonly done: string; readonly rest: string } {
  let done = '';
  let at = 0;
  for (;;) {
    const open = html.indexOf('<', at);
    if (open < 0) return { done: done + html.slice(at), rest: '' };
    const end = endOf(html, open);
    if (end < 0) return { done: done + html.slice(at, open), rest: html.slice(open) };
    done += html.slice(at, open) + rewriteTag(html.slice(open, end), base);
    at = end;
  }
}

/** Behind the tag or comment at `open`, or behind its `<` where that is plain text; -1 where the end is still to come. */
function endOf(html: string, open: number): number {
  const isComment = html.startsWith('<!--', open);
  if (isComment || '<!--'.startsWith(html.slice(open, open + 4))) {
    const close = isComment ? html.indexOf('-->', open + 4) : -1;
    return close < 0 ? -1 : close + 3;
  }
  if (!/[a-z]/i.test(html[open + 1] ?? '')) return open + 1;
  return tagEnd(html, open);
}

function tagEnd(html: string, open: number): number {
  let quote = '';
  // A quotation mark is one only where a value begins.
  let isValue = false;
  for (let i = open + 1; i < html.length; i++) {
    const character = html[i] ?? '';
    if (quote !== '') {
      if (character === quote) quote = '';
    } else if (character === '>') return i + 1;
    else if (isValue && (character === '"' || character === "'")) {
      quote = character;
      isValue = false;
    } else if (!/\s/.test(character)) isValue = character === '=';
  }
  return -1;
}

function rewriteTag(tag: string, base: LinkBase): string {
  const name = /^<([a-z][^\s/>]*)/i.exec(tag)?.[1];
  const linked = name === undefined ? undefined : LINKS[name.toLowerCase()];
  if (name === undefined || linked === undefined) return tag;
  const attributes = tag
    .slice(name.length + 1, -1)
    .replaceAll(
      ATTRIBUTE,
      (all: string, before: string, key: string, equals: string | undefined, value: string = '') => {
        if (equals === undefined || !linked.includes(key.toLowerCase())) return all;
        const quote = /^["']/.exec(value)?.[0] ?? '';
        const link = quote === '' ? value : value.slice(1, -1);
        return `${before}${key}${equals}${quote}${proxiedLink(link, base)}${quote}`;
      },
    );
  return `<${name}${attributes}>`;
}
