// The providers' client libraries through the gate, with an access token in the key's place. Run with tests/llm as the working directory:
//   node --input-type=module - GATE_URL TOKEN < llm.mjs     prints one JSON object
import OpenAI from 'openai'
import Anthropic from '@anthropic-ai/sdk'

const [gate, token] = process.argv.slice(2)
const openai = new OpenAI({baseURL: gate + '/words/openai', apiKey: token, maxRetries: 0})
const anthropic = new Anthropic({baseURL: gate + '/words/anthropic', authToken: token, apiKey: null, maxRetries: 0})
const out = {}
const model = 'm'
const content = 'Summarize: Maria Sandoval, MRN: 7654321.'
const messages = [{role: 'user', content}]
const parameters = {type: 'object', properties: {patient: {type: 'string'}}}

out.chat = (await openai.chat.completions.create({model, messages})).choices[0].message.content
out.stream = await openai.chat.completions.stream({model, messages}).finalContent()

const chatTools = [{type: 'function', function: {name: 'look_up', description: 'Finds a patient', parameters}}]
const ask = [{role: 'user', content: 'Look up Maria Sandoval.'}]
const called = await openai.chat.completions.create({model, messages: ask, tools: chatTools})
out.tool = JSON.parse(called.choices[0].message.tool_calls[0].function.arguments)
const finished = await openai.chat.completions.stream({model, messages: ask, tools: chatTools}).finalChatCompletion()
out.tool_stream = JSON.parse(finished.choices[0].message.tool_calls[0].function.arguments)

out.responses = (await openai.responses.create({model, input: content})).output_text
const stream = openai.responses.stream({model, input: content})
out.responses_stream = (await stream.finalResponse()).output_text
out.embedding = (await openai.embeddings.create({model, input: content, encoding_format: 'float'})).data[0].embedding.length

out.messages = (await anthropic.messages.create({model, max_tokens: 50, messages})).content[0].text
out.messages_stream = await anthropic.messages.stream({model, max_tokens: 50, messages}).finalText()
const tools = [{name: 'look_up', description: 'Finds a patient', input_schema: parameters}]
out.tool_use = (await anthropic.messages.create({model, max_tokens: 50, messages: ask, tools})).content[0].input
out.tool_use_stream = (await anthropic.messages.stream({model, max_tokens: 50, messages: ask, tools}).finalMessage()).content[0].input

try {
  await openai.chat.completions.create({model, messages, wishes: 'none'})
} catch (e) {
  out.refused = e.status
}
console.log(JSON.stringify(out))
