// The schemas the official conformance suite wants to see again unchanged.

type Json = string | number | boolean | null | Json[] | { [key: string]: Json }
type Properties = Record<string, { [key: string]: Json }>

/** A schema of an object. */
export interface Schema {
  type: 'object'
  properties?: Properties
  required?: string[]
  [keyword: string]: unknown
}

export const schema = (properties: Properties, ...required: string[]): Schema => ({
  type: 'object',
  properties,
  ...(required.length > 0 ? { required } : {}),
})

/** An input schema with what JSON Schema 2020-12 has and older dialects have not. */
export const dialectSchema: Schema = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  $defs: {
    address: {
      $anchor: 'addressDef',
      type: 'object',
      properties: { street: { type: 'string' }, city: { type: 'string' } },
    },
  },
  properties: {
    name: { type: 'string' },
    address: { $ref: '#/$defs/address' },
    contactMethod: { type: 'string', enum: ['phone', 'email'] },
    phone: { type: 'string' },
    email: { type: 'string' },
  },
  allOf: [{ anyOf: [{ required: ['phone'] }, { required: ['email'] }] }],
  if: { properties: { contactMethod: { const: 'phone' } }, required: ['contactMethod'] },
  then: { required: ['phone'] },
  else: { required: ['email'] },
  additionalProperties: false,
}

const object = 'object' as const
const string = 'string' as const
const array = 'array' as const
const options = ['option1', 'option2', 'option3']
const titled = ['First', 'Second', 'Third'].map((title, i) => ({ const: `value${i + 1}`, title }))

/** What the elicitations ask for. */
export const elicitations = {
  person: {
    type: object,
    properties: { username: { type: string }, email: { type: string } },
    required: ['username', 'email'],
  },
  defaults: {
    type: object,
    properties: {
      name: { type: string, default: 'John Doe' },
      age: { type: 'integer' as const, default: 30 },
      score: { type: 'number' as const, default: 95.5 },
      status: { type: string, enum: ['active', 'inactive', 'pending'], default: 'active' },
      verified: { type: 'boolean' as const, default: true },
    },
  },
  enums: {
    type: object,
    properties: {
      untitledSingle: { type: string, enum: options },
      titledSingle: { type: string, oneOf: titled },
      legacyEnum: {
        type: string,
        enum: ['opt1', 'opt2', 'opt3'],
        enumNames: ['Option One', 'Option Two', 'Option Three'],
      },
      untitledMulti: { type: array, items: { type: string, enum: options } },
      titledMulti: { type: array, items: { anyOf: titled } },
    },
  },
}
