// Stands in for a browser: opens the address, waits like its page does, and goes where it is led. `bun browser.ts URL`.
import { Tab } from '../support/sign-in'

const tab = new Tab()
await tab.open(process.argv[2] ?? '')
await (await fetch(await tab.carriedOn())).text()
