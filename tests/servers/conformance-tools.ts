// The tools of the surface that ask their caller nothing.
import { once } from 'node:events'
import { schema } from './conformance-schemas'
import { type Memory, type Tool, WATCHED, embedded, image, said, text } from './conformance-parts'

const SILENCE = 'UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQAAAAA='
const PAUSE = 50

/** Stands in a result for what an SDK would refuse to send; `conformance-raw.ts` puts that in its place. */
export const RAW_PLACE = '(raw)'

const plain = (run: Tool['run']): Tool => ({ inputSchema: schema({}), run })

const content: Record<string, Tool> = {
  test_simple_text: plain(async () => said(text('This is a simple text response for testing.'))),
  test_image_content: plain(async () => said(image)),
  test_audio_content: plain(async () => said({ type: 'audio', data: SILENCE, mimeType: 'audio/wav' })),
  test_embedded_resource: plain(async () =>
    said(embedded('test://embedded-resource', 'text/plain', 'This is an embedded resource content.')),
  ),
  test_multiple_content_types: plain(async () =>
    said(
      text('Multiple content types test:'),
      image,
      embedded('test://mixed-content-resource', 'application/json', '{"test":"data","value":123}'),
    ),
  ),
  test_error_handling: plain(async () => ({
    isError: true,
    content: [text('This tool intentionally returns an error for testing')],
  })),
  test_structured_content: plain(async () => ({
    ...said(text('{"degrees":21.5}')),
    structuredContent: { degrees: 21.5, unknown: { deep: [1, null] } },
  })),
  test_raw_content: plain(async () => said(text('before'), text(RAW_PLACE))),
  test_x_mcp_header: {
    inputSchema: schema({ region: { type: 'string', 'x-mcp-header': 'Region' } }, 'region'),
    run: async ({ region }) => said(text(`Region ${region}`)),
  },
}

const talking: Record<string, Tool> = {
  test_tool_with_logging: plain(async (_args, { log }) => {
    await log('Tool execution started')
    await Bun.sleep(PAUSE)
    await log('Tool processing data')
    await Bun.sleep(PAUSE)
    await log('Tool execution completed')
    return said(text('Logged three messages'))
  }),
  test_logging_tool: plain(async (_args, { log }) => {
    await log('A message for those who asked for a level')
    return said(text('Logged'))
  }),
  test_tool_with_progress: plain(async (_args, { progress }) => {
    for (const step of [0, 50, 100]) {
      await progress(step)
      if (step < 100) await Bun.sleep(PAUSE)
    }
    return said(text('Reported progress'))
  }),
  test_fast_progress: plain(async (_args, { progress }) => {
    for (const step of [1, 2, 3, 4, 5]) await progress(step)
    return said(text('Reported progress without a pause'))
  }),
  test_reconnection: plain(async (_args, { closeStream }) => {
    closeStream?.()
    await Bun.sleep(2 * PAUSE)
    return said(text('Answered after the stream was closed'))
  }),
}

/** Tools of one process, which change what it offers or wait until they are cancelled. */
export const plainTools = (memory: Memory): Record<string, Tool> => ({
  ...content,
  ...talking,
  test_trigger_tool_change: plain(async (_args, { changed }) => {
    memory.extraTool = !memory.extraTool
    await changed('tools')
    return said(text('Changed the tools'))
  }),
  test_trigger_prompt_change: plain(async (_args, { changed }) => {
    memory.extraPrompt = !memory.extraPrompt
    await changed('prompts')
    return said(text('Changed the prompts'))
  }),
  test_write_resource: plain(async (_args, { changed }) => {
    memory.writes += 1
    await changed('resource', WATCHED)
    return said(text(`Written ${memory.writes} times`))
  }),
  test_wait: plain(async (_args, { signal }) => {
    memory.waiting += 1
    if (!signal.aborted) await once(signal, 'abort')
    memory.waiting -= 1
    memory.cancelled += 1
    return said(text('Cancelled'))
  }),
  test_waits: plain(async () => said(text(`${memory.waiting} waiting, ${memory.cancelled} cancelled`))),
})
