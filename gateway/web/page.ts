// The pages of the first door. They are text of ours alone: nothing a request or a program said is in them, so that there
// is nothing to escape. They run no script; one that waits asks again by itself.
import { createHash } from 'node:crypto'
import { pageReply } from './replies'

const style = `:root{color-scheme:light dark}
body{font:16px/1.5 system-ui,sans-serif;max-width:34em;margin:12vh auto;padding:0 1.5em}
h1{font-size:1.4em}
.code{font:700 3em/1.2 ui-monospace,monospace;letter-spacing:.25em;margin:.4em 0}
kbd{font:1em ui-monospace,monospace;padding:.1em .4em;border:1px solid #8888;border-radius:.3em}`

const styleHash = `sha256-${createHash('sha256').update(style).digest('base64')}`

/** Seconds after which the waiting page asks again. */
const AGAIN = 2

/** `title` and `body` are HTML. */
export function page(title: string, body: string, { again = false, status = 200 } = {}): Response {
  const refresh = again ? `<meta http-equiv="refresh" content="${AGAIN}">` : ''
  return pageReply(
    `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="referrer" content="no-referrer"><meta name="viewport" content="width=device-width">${refresh}<title>${title}</title><style>${style}</style></head>
<body><main><h1>${title}</h1>
${body}
</main></body>
</html>
`,
    styleHash,
    status,
  )
}
