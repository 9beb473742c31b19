/** The conformance specs that do not pass, and why. */
export const known: Readonly<Record<string, string>> = {};
