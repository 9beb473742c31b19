/** What Go's ParseRequestURI takes: an absolute URL, or an absolute path. */
export function isRequestUri(text: string): boolean {
  // eslint-disable-next-line no-control-regex -- control characters are what it refuses
  if (text === '' || /[\u0000-\u0020\u007f]/.test(text) || /%(?![0-9a-fA-F]{2})/.test(text)) return false;
  if (text.startsWith('/')) return true;
  const [, rest] = /^[a-zA-Z][a-zA-Z0-9+.-]*:(.*)$/s.exec(text) ?? [];
  if (rest === undefined) return false;
  if (!rest.startsWith('//')) return rest.startsWith('/') || !rest.includes('/') || rest !== '';
  const [authority = ''] = rest.slice(2).split(/[/?]/);
  const host = authority.slice(authority.lastIndexOf('@') + 1);
  if (host.startsWith('[')) return /^\[[0-9a-fA-F:.]+(%25[^\]]+)?\](:\d*)?$/.test(host);
  return /^[^:<>"{}|\\^`[\]]*(:\d*)?$/.test(host);
}
