// Opens addresses as the gateway would and prints what came of each, so that a test can watch what is started:
// bun url-opener.ts '{"environment": {…}, "urls": […]}'
import { createOpenBrowser } from '../../gateway/browser/open-browser'
import { systemRuntime } from '../../gateway/runtime'

const { environment, urls } = JSON.parse(process.argv[2] ?? '') as {
  environment: Record<string, string>
  urls: string[]
}
const open = createOpenBrowser({ environment, platform: process.platform, runtime: systemRuntime })
const outcomes: unknown[] = []
for (const url of urls) outcomes.push(await open(url))
process.stdout.write(JSON.stringify(outcomes))
