import { closeSync, existsSync, fsyncSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import type { SealedValue } from '../admin/sealed-value'
import type { ImportView } from '../admin/vault-import'
import type { VaultPlace } from '../domain/vault-state'
import { GatewayError } from '../errors'
import { must } from './client'
import { type Context, exit } from './command'
import type { Io } from './io'
import { plural, safe, show } from './output'
import { askNewPassphrase, askPassphrase } from './passphrase'
import { agreed } from './presence'
import { sealedText } from './sealed-value'
import { vaultLines } from './vault-lines'

interface Values {
  yes?: boolean
  json?: boolean
}

const exists = (file: string) =>
  new GatewayError('input.invalid', `${file} exists; an export overwrites nothing`)

/** A new file, 0600 from its first byte; one that could not be written whole is removed. */
function writeNew(file: string, text: string): void {
  let handle: number
  try {
    handle = openSync(file, 'wx', 0o600)
  } catch (cause) {
    const taken = cause instanceof Error && 'code' in cause && cause.code === 'EEXIST'
    throw taken ? exists(file) : new GatewayError('input.invalid', `${file} cannot be written`, { cause })
  }
  try {
    writeSync(handle, text)
    fsyncSync(handle)
  } catch (cause) {
    rmSync(file, { force: true })
    throw new GatewayError('input.invalid', `${file} cannot be written`, { cause })
  } finally {
    closeSync(handle)
  }
}

/** `mcpmux vault export FILE`. */
export async function exportTo({ io, admin }: Context, file: string, values: Values): Promise<number> {
  if (existsSync(file)) throw exists(file)
  const question = 'Whoever has the file and its passphrase can read every secret. Go on?'
  if (!(await agreed(io, values.yes, question))) return exit.needsPerson
  const passphrase = await askNewPassphrase(io)
  const made = await must(admin.api.vault.export.post({ passphrase, confirm: true }))
  writeNew(file, made.file)
  await show(
    io,
    values.json,
    { written: file, values: made.values },
    () => `wrote ${safe(file)}: the key and ${plural(made.values, 'value')}`,
  )
  return exit.ok
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw new GatewayError('input.invalid', `${file} cannot be read`, { cause })
  }
}

const list = (values: readonly SealedValue[], what: (at: number) => string): string[] =>
  values.map((value, at) => `          ${sealedText(value)}${what(at)}`)

function lines(view: ImportView): string[] {
  if (view.recovered) return vaultLines(view)
  return [
    ...vaultLines(view),
    `imported  ${plural(view.set, 'value')}; ${view.same} were here already`,
    ...(view.unmatched.length > 0 ? ['left out'] : []),
    ...list(view.unmatched, (at) => `: ${view.unmatched[at]?.why ?? ''}`),
  ]
}

async function agreeToReplace(io: Io, view: ImportView, values: Values): Promise<boolean> {
  io.talk(['These are here with other values:', ...list(view.differ, () => '')].join('\n'))
  return agreed(io, values.yes, 'Replace them?')
}

/** `mcpmux vault import FILE`. */
export async function importFrom(
  { io, admin }: Context,
  path: string,
  values: Values & { place?: VaultPlace },
): Promise<number> {
  const file = read(path)
  if (values.place === 'file') {
    const question = 'The key will lie in a file of the data folder, readable to whoever copies it. Go on?'
    if (!(await agreed(io, values.yes, question))) return exit.needsPerson
  }
  const passphrase = await askPassphrase(io, 'Passphrase of the file (not shown)')
  const body = { file, passphrase, ...(values.place === undefined ? {} : { place: values.place }) }
  let view = await must(admin.api.vault.import.post(body))
  if (view.differ.length > 0) {
    if (!(await agreeToReplace(io, view, values))) return exit.needsPerson
    view = await must(admin.api.vault.import.post({ ...body, replace: true }))
  }
  await show(io, values.json, view, () => lines(view).join('\n'))
  return exit.ok
}
