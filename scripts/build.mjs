// `npm run build`: the compiled program at dist/mcpmux.
import { relative } from 'node:path'
import { buildBinary } from './lib/binary.mjs'
import { main, root, say } from './lib/process.mjs'
import { ensureToolchain } from './lib/toolchain.mjs'

await main(async () => {
  const file = await buildBinary(await ensureToolchain())
  say(`Ready: ${relative(root, file)}`)
})
