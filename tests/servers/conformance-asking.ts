// The tools of the surface that ask their caller something: as requests of their own where a connection lasts, and in
// rounds where it does not.
import { elicitations, schema } from './conformance-schemas'
import { type Answer, type Question, type Tool, said, text } from './conformance-parts'

const elicit = (message: string, requestedSchema: object): Question => ({
  method: 'elicitation/create',
  params: { message, requestedSchema },
})
const sample = (prompt: string, maxTokens = 100): Question => ({
  method: 'sampling/createMessage',
  params: { messages: [{ role: 'user', content: text(prompt) }], maxTokens },
})
const roots: Question = { method: 'roots/list', params: {} }

const name = schema({ name: { type: 'string' } }, 'name')
const color = schema({ color: { type: 'string' } }, 'color')
const confirm = schema({ ok: { type: 'boolean' } }, 'ok')

const field = (answer: Answer | undefined, key: string): string =>
  String((answer?.content as Record<string, unknown> | undefined)?.[key])

const asking = (key: string, question: Question, tell: (answer?: Answer) => string): Tool => ({
  inputSchema: schema({}),
  run: async (_args, { ask }) => said(text(tell((await ask({ [key]: question }))[key]))),
})

const eliciting = (requestedSchema: object, fallback: string, ...args: string[]): Tool => ({
  inputSchema: schema(Object.fromEntries(args.map((arg) => [arg, { type: 'string' }])), ...args),
  async run({ message = fallback }, { ask }) {
    const { answer } = await ask({ answer: elicit(message, requestedSchema) })
    return said(
      text(
        `Elicitation completed: action=${String(answer?.action)}, content=${JSON.stringify(answer?.content ?? {})}`,
      ),
    )
  },
})

/** With a state that says only that there was a first round. */
const confirming = (word: string): Tool => ({
  inputSchema: schema({}),
  async run(_args, { ask }) {
    await ask({ confirm: elicit('Please confirm', confirm) }, { step: 'confirm' })
    return said(text(word))
  },
})

const told = (answer?: Answer) => `LLM response: ${JSON.stringify(answer?.content)}`

export const askingTools: Record<string, Tool> = {
  test_sampling: {
    inputSchema: schema({ prompt: { type: 'string' } }, 'prompt'),
    run: async ({ prompt = '' }, { ask }) => said(text(told((await ask({ answer: sample(prompt) })).answer))),
  },
  test_elicitation: eliciting(elicitations.person, 'Please answer', 'message'),
  test_elicitation_sep1034_defaults: eliciting(elicitations.defaults, 'Please review'),
  test_elicitation_sep1330_enums: eliciting(elicitations.enums, 'Please choose'),
  test_elicitation_url: asking(
    'visit',
    {
      method: 'elicitation/create',
      params: {
        mode: 'url',
        message: 'Please sign in',
        url: 'https://example.com/in',
        elicitationId: 'visit-1',
      },
    },
    (answer) => `Visit: ${String(answer?.action)}`,
  ),
  test_roots: asking('roots', roots, (answer) => `Roots: ${JSON.stringify(answer?.roots)}`),
  test_missing_capability: asking('needed', sample('Needs sampling'), told),
  test_streaming_elicitation: {
    inputSchema: schema({}),
    async run(_args, { ask, progress, log }) {
      await log('About to ask')
      await progress(1)
      const { answer } = await ask({ answer: elicit('In the middle of a stream', name) })
      return said(text(`Hello, ${field(answer, 'name')}!`))
    },
  },
  test_input_required_result_elicitation: asking(
    'user_name',
    elicit('What is your name?', name),
    (answer) => `Hello, ${field(answer, 'name')}!`,
  ),
  test_input_required_result_sampling: asking(
    'capital_question',
    sample('What is the capital of France?'),
    told,
  ),
  test_input_required_result_list_roots: asking(
    'client_roots',
    roots,
    (answer) => `Roots: ${JSON.stringify(answer?.roots)}`,
  ),
  test_input_required_result_request_state: confirming('state-ok'),
  test_input_required_result_tampered_state: confirming('not tampered with'),
  test_input_required_result_multiple_inputs: {
    inputSchema: schema({}),
    async run(_args, { ask }) {
      const answers = await ask(
        {
          user_name: elicit('What is your name?', name),
          greeting: sample('Generate a greeting', 50),
          client_roots: roots,
        },
        { step: 'all' },
      )
      const greeting = JSON.stringify(answers.greeting?.content)
      const shared = JSON.stringify(answers.client_roots?.roots)
      return said(text(`${greeting} to ${field(answers.user_name, 'name')}, who shares ${shared}`))
    },
  },
  test_input_required_result_multi_round: {
    inputSchema: schema({}),
    async run(_args, { ask, state }) {
      let who = state?.name
      if (who === undefined) {
        const { step1 } = await ask({ step1: elicit('Step 1: What is your name?', name) }, { step: '1' })
        who = field(step1, 'name')
      }
      const second = { step2: elicit('Step 2: What is your favorite color?', color) }
      const { step2 } = await ask(second, { step: '2', name: who })
      return said(text(`${who} likes ${field(step2, 'color')}`))
    },
  },
  test_input_required_result_capabilities: {
    inputSchema: schema({}),
    async run(_args, { ask, capabilities }) {
      const possible: Record<string, Question> = {}
      if (capabilities.sampling) possible.greeting = sample('Generate a greeting', 50)
      if (capabilities.elicitation) possible.user_name = elicit('What is your name?', name)
      if (Object.keys(possible).length === 0) return said(text('You can be asked nothing'))
      const answers = await ask(possible)
      return said(text(`Answered: ${Object.keys(answers).sort().join(', ')}`))
    },
  },
}
