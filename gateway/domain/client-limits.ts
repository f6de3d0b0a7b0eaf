// What AI clients can take, as their makers and users report it. For showing only: no right follows from any of it.

/** One kind of AI client. */
export interface ClientKind {
  title: string
  /** Characters the client puts before each name, when the server entry is called `mcpmux`. */
  prefix: string
  /** Longest name with that prefix. */
  maxName: number
  /** Characters a name may have; null when the client mends names by itself. */
  characters: RegExp | null
  /** Most tools it takes, and of what; null when it says none. */
  maxTools: { most: number; of: 'in all' | 'in one request' } | null
}

const usual = /^[A-Za-z0-9_-]+$/
const kinds: readonly (ClientKind & { words: readonly string[] })[] = [
  // Combined name of server and tool must be under 60, else the tool is hidden.
  { title: 'Cursor', words: ['cursor'], prefix: 'mcpmux', maxName: 59, characters: usual, maxTools: null },
  {
    title: 'Claude Code',
    words: ['claude code', 'claude-code'],
    prefix: 'mcp__mcpmux__',
    maxName: 64,
    characters: usual,
    maxTools: null,
  },
  {
    title: 'Copilot CLI',
    words: ['copilot cli', 'copilot-cli', 'github-copilot'],
    prefix: 'mcpmux-',
    maxName: 64,
    characters: usual,
    maxTools: null,
  },
  {
    title: 'VS Code',
    words: ['vs code', 'vscode', 'visual studio code', 'vscodium'],
    prefix: 'mcp_mcpmux_',
    maxName: 64,
    characters: usual,
    maxTools: { most: 128, of: 'in one request' },
  },
  {
    title: 'Windsurf',
    words: ['windsurf', 'codeium'],
    prefix: '',
    maxName: 64,
    characters: usual,
    maxTools: { most: 100, of: 'in all' },
  },
  {
    title: 'Codex',
    words: ['codex', 'chatgpt'],
    prefix: 'mcp__mcpmux__',
    maxName: 64,
    characters: usual,
    maxTools: null,
  },
  // Longer names are cut in the middle there, other characters replaced.
  { title: 'Gemini CLI', words: ['gemini'], prefix: '', maxName: 64, characters: null, maxTools: null },
]

/** What holds for a client nobody knows: the regular expression most models' makers have for names. */
const unknownKind: ClientKind = {
  title: 'other clients',
  prefix: '',
  maxName: 64,
  characters: usual,
  maxTools: null,
}

/** The kind a client's names (its own, or the one it was given) point to; the first of them that says something. */
export function clientKind(names: readonly string[]): ClientKind {
  for (const name of names) {
    const lower = name.toLowerCase()
    const found = kinds.find(({ words }) => words.some((word) => lower.includes(word)))
    if (found) return found
  }
  return unknownKind
}

/** One limit, and how what a client would get stands to it. */
export interface LimitReport {
  limit: 'tools' | 'name length' | 'characters'
  /** `near` from four fifths on; `over` means the client refuses or hides something. */
  level: 'ok' | 'near' | 'over'
  what: string
  /** Exposed names that are over it. */
  names: string[]
}

/** Holds names of tools against the limits of a kind of client. */
export function limitReports(kind: ClientKind, names: readonly string[]): LimitReport[] {
  const { title, prefix, maxName, characters, maxTools } = kind
  const long = names.filter((name) => prefix.length + name.length > maxName)
  const strange = characters ? names.filter((name) => !characters.test(name)) : []
  const reports: LimitReport[] = []
  if (maxTools) {
    const { most, of } = maxTools
    const level = names.length > most ? 'over' : names.length * 5 >= most * 4 ? 'near' : 'ok'
    reports.push({
      limit: 'tools',
      level,
      what: `${title} takes ${most} tools ${of}; there are ${names.length}`,
      names: [],
    })
  }
  reports.push({
    limit: 'name length',
    level: long.length > 0 ? 'over' : 'ok',
    what: `${title} takes names of ${maxName - prefix.length} characters`,
    names: long,
  })
  if (characters)
    reports.push({
      limit: 'characters',
      level: strange.length > 0 ? 'over' : 'ok',
      what: `${title} takes names of letters, digits, _ and -`,
      names: strange,
    })
  return reports
}

/** About how many tokens a model reads for a serialised definition of this many bytes. */
export const tokensOf = (bytes: number): number => Math.ceil(bytes / 4.2)
