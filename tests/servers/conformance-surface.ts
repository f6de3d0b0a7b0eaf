// What the official conformance suite asks a server to offer, and what the interoperability matrix needs besides. The
// two lines of the SDK and both eras serve this one surface: `conformance-v1.ts` and `conformance-v2.ts` put it on.
import { askingTools } from './conformance-asking'
import {
  type Memory,
  PIXEL,
  type Prompt,
  type PromptMessage,
  type Tool,
  WATCHED,
  embedded,
  image,
  said,
  text,
} from './conformance-parts'
import { dialectSchema, schema } from './conformance-schemas'
import { plainTools } from './conformance-tools'

const user = (content: PromptMessage['content']): PromptMessage => ({ role: 'user', content })

function prompts(memory: Memory): Record<string, Prompt> {
  const always: Record<string, Prompt> = {
    test_simple_prompt: {
      run: async () => ({ messages: [user(text('This is a simple prompt for testing.'))] }),
    },
    test_prompt_with_arguments: {
      arguments: ['arg1', 'arg2'],
      run: async ({ arg1, arg2 }) => ({
        messages: [user(text(`Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`))],
      }),
    },
    test_prompt_with_embedded_resource: {
      arguments: ['resourceUri'],
      run: async ({ resourceUri = '' }) => ({
        messages: [
          user(embedded(resourceUri, 'text/plain', 'Embedded resource content for testing.')),
          user(text('Please process the embedded resource above.')),
        ],
      }),
    },
    test_prompt_with_image: {
      run: async () => ({ messages: [user(image), user(text('Please analyze the image above.'))] }),
    },
    test_input_required_result_prompt: {
      async run(_args, { ask }) {
        const requestedSchema = schema({ context: { type: 'string' } }, 'context')
        const params = { message: 'What context should the prompt use?', requestedSchema }
        const { user_context } = await ask({ user_context: { method: 'elicitation/create', params } })
        return { messages: [user(text(`The context is ${JSON.stringify(user_context?.content)}`))] }
      },
    },
  }
  return memory.extraPrompt ? { ...always, test_extra_prompt: always.test_simple_prompt as Prompt } : always
}

function contents(uri: string, { writes }: Memory): { uri: string; mimeType: string; text: string } | object {
  if (uri === 'test://static-text')
    return { uri, mimeType: 'text/plain', text: 'This is the content of the static text resource.' }
  if (uri === 'test://static-binary') return { uri, mimeType: 'image/png', blob: PIXEL }
  if (uri === WATCHED) return { uri, mimeType: 'text/plain', text: `Written ${writes} times` }
  const id = /^test:\/\/template\/([^/]+)\/data$/.exec(uri)?.[1]
  if (id === undefined || id === 'nobody') throw new NotFound(uri)
  const data = { id, templateTest: true, data: `Data for ID: ${id}` }
  return { uri, mimeType: 'application/json', text: JSON.stringify(data) }
}

/** There is no such thing. A resource has its address in the error. */
export class NotFound extends Error {
  readonly uri: string | undefined
  constructor(uri?: string) {
    super(uri === undefined ? 'Unknown name' : 'Resource not found')
    this.uri = uri
  }
}

function tools(memory: Memory): Record<string, Tool> {
  const always: Record<string, Tool> = {
    ...plainTools(memory),
    ...askingTools,
    json_schema_2020_12_tool: { inputSchema: dialectSchema, run: async () => said(text('ok')) },
  }
  const extra = { inputSchema: schema({}), run: async () => said(text('extra')) }
  return memory.extraTool ? { ...always, test_extra_tool: extra } : always
}

const completions = ['paris', 'park', 'party', '123', '124']
const addresses = ['test://static-text', 'test://static-binary', WATCHED]

/** The surface of one process. */
export function createSurface() {
  const memory: Memory = { extraTool: false, extraPrompt: false, writes: 0, waiting: 0, cancelled: 0 }
  return {
    tools: () => tools(memory),
    tool: (name: string): Tool => known(tools(memory)[name]),
    prompt: (name: string): Prompt => known(prompts(memory)[name]),
    listTools: () => ({
      tools: Object.entries(tools(memory)).map(
        ([name, { description = `The tool ${name}`, inputSchema }]) => ({
          name,
          description,
          inputSchema,
        }),
      ),
    }),
    listPrompts: () => ({
      prompts: Object.entries(prompts(memory)).map(([name, prompt]) => ({
        name,
        description: `The prompt ${name}`,
        arguments: (prompt.arguments ?? []).map((argument) => ({ name: argument, required: true })),
      })),
    }),
    listResources: () => ({ resources: addresses.map((uri) => ({ uri, name: uri.slice(7) })) }),
    listTemplates: () => ({
      resourceTemplates: [{ uriTemplate: 'test://template/{id}/data', name: 'template' }],
    }),
    read: (uri: string) => ({ contents: [contents(uri, memory) as { uri: string; text: string }] }),
    complete: (value: string) => {
      const values = completions.filter((completion) => completion.startsWith(value))
      return { completion: { values, total: values.length, hasMore: false } }
    },
  }
}

export type Surface = ReturnType<typeof createSurface>

function known<T>(found: T | undefined): T {
  if (found === undefined) throw new NotFound()
  return found
}
