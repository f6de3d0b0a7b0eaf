// Every way the hostile authorization server can misbehave, in one table.
import { callbackModes } from './evil-as-modes-callback'
import { issuerModes } from './evil-as-modes-issuer'
import { resourceModes } from './evil-as-modes-resource'
import { tokenModes } from './evil-as-modes-token'
import type { Mode, Outcome } from './evil-as-world'

export const modes: Readonly<Record<string, Mode>> = {
  ...resourceModes,
  ...issuerModes,
  ...callbackModes,
  ...tokenModes,
}

export const modeNamed = (name: string): Mode => {
  const mode = modes[name]
  if (!mode) throw new Error(`no mode ${name}`)
  return mode
}

/** The names of one threat's modes, or of those of one outcome. */
export const modesOf = (threat: number, outcome?: Outcome): string[] =>
  Object.entries(modes)
    .filter(([, mode]) => mode.threat === threat && (outcome === undefined || mode.outcome === outcome))
    .map(([name]) => name)
