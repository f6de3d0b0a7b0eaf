// The words in which the conformance surface is written: tools, prompts, and what a running one can reach.
import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js'
import type { Schema } from './conformance-schemas'

export type ToolResult = CallToolResult
export type Arguments = Record<string, string>

/** What a server asks of its client in the middle of a request. */
export interface Question {
  method: 'elicitation/create' | 'sampling/createMessage' | 'roots/list'
  params?: Record<string, unknown>
}

/** What a running tool or prompt can reach of its caller. */
export interface Reach {
  log(data: string): Promise<void>
  progress(progress: number): Promise<void>
  /** The answers, by the keys of the questions. Where a round ends the request, the tool runs again for the next. */
  ask(questions: Record<string, Question>, state?: State): Promise<Record<string, Answer>>
  /** What the round before kept; nothing in the first one, and nothing where rounds do not exist. */
  state: State | undefined
  capabilities: { sampling?: object; elicitation?: object; roots?: object }
  signal: AbortSignal
  /** Closes the stream of this call, and goes on. */
  closeStream?: () => void
  changed(what: Changed, uri?: string): Promise<void>
}

export type Changed = 'tools' | 'prompts' | 'resource'
export type State = Record<string, string>
export type Answer = Record<string, unknown>

export interface Tool {
  description?: string
  inputSchema: Schema
  run(args: Arguments, reach: Reach): Promise<ToolResult>
}

export interface Prompt {
  arguments?: string[]
  run(args: Arguments, reach: Reach): Promise<{ messages: PromptMessage[] }>
}

export type PromptMessage = { role: 'user'; content: ToolResult['content'][number] }

/** What one process keeps for all who talk to it. */
export interface Memory {
  extraTool: boolean
  extraPrompt: boolean
  /** How often the watched resource was written. */
  writes: number
  waiting: number
  cancelled: number
}

export const PIXEL =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg=='
export const WATCHED = 'test://watched-resource'

export const text = (value: string) => ({ type: 'text' as const, text: value })
export const image = { type: 'image' as const, data: PIXEL, mimeType: 'image/png' }
export const embedded = (uri: string, mimeType: string, value: string) => ({
  type: 'resource' as const,
  resource: { uri, mimeType, text: value },
})
export const said = (...content: ToolResult['content']): ToolResult => ({ content })
