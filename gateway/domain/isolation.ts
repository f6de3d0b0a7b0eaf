/**
 * Who shares the process (or connection) of a server: everybody in its Space, or nobody but one client, or one session of
 * a client. A client without sessions counts as one.
 */
export const isolations = ['shared', 'client', 'session'] as const
export type Isolation = (typeof isolations)[number]
