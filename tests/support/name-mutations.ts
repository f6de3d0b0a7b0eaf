const chars = [
  '\0',
  ' ',
  '\t',
  '\n',
  '\u00a0',
  '\u200b',
  '\u0301',
  '\ufeff',
  '/',
  '.',
  '-',
  '_',
  '%00',
  '%20',
  '*',
  '\u202e',
]

/** Other spellings of a name that careless matching would take for it, each once and never the name itself. */
export function nameMutations(name: string): string[] {
  const around = chars.flatMap((char) => [name + char, char + name, name.slice(0, 4) + char + name.slice(4)])
  const letters = [...name].flatMap((letter, i) => {
    const at = (other: string) => name.slice(0, i) + other + name.slice(i + 1)
    const wide = String.fromCodePoint((letter.codePointAt(0) ?? 0) + 0xfee0)
    return [at(letter.toUpperCase()), at(wide), at(''), at(letter + letter), name.slice(0, i)]
  })
  const looks = [
    name.replaceAll('e', 'е'),
    name.replaceAll('i', 'і'),
    name.replaceAll('_', '__'),
    name.normalize('NFD'),
  ]
  const alias = name.split('_')[0] ?? ''
  const whole = [
    name.toUpperCase(),
    `${alias}/${name}`,
    `${alias}_${name}`,
    `${alias}_${alias}_${name}`,
    name.split('_').slice(1).join('_'),
  ]
  return [...new Set([...around, ...letters, ...looks, ...whole])].filter((one) => one !== name)
}
