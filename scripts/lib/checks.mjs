/** What is checked without running anything of ours, in the order in which a person wants to hear of it. */
export const checks = [
  { title: 'format', command: 'biome', args: ['format', '.'] },
  { title: 'lint', command: 'eslint', args: ['--max-warnings=0', '.'] },
  { title: 'types', command: 'tsc', args: ['-p', '.', '--noEmit'] },
]
