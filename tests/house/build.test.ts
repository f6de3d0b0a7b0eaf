import { expect, test } from 'bun:test'
import { readDocument, sources } from './sources'

test('[threat.66] the build switches off .env and bunfig.toml of the folder it is started in', () => {
  const build = readDocument('scripts/lib/binary.mjs')
  for (const file of ['dotenv', 'bunfig']) expect(build).toContain(`'--no-compile-autoload-${file}'`)
})

test('[house] no registry is named, so that npm and Bun ask the one a person configured', () => {
  const named = sources('scripts/**/*', 'package.json', 'bun.lock', 'bunfig.toml', '.npmrc', '.ci/*')
    .filter(({ text }) => /registry\.npmjs|npmmirror|"resolved"/.test(text))
    .map(({ path }) => path)
  expect(named).toEqual([])
})

test('[house] versions of packages are exact', () => {
  const manifest: { dependencies: Record<string, string>; devDependencies: Record<string, string> } =
    JSON.parse(readDocument('package.json'))
  const versions = Object.entries({ ...manifest.dependencies, ...manifest.devDependencies })
  expect(versions.length).toBeGreaterThan(5)
  expect(versions.filter(([, version]) => !/^\d+\.\d+\.\d+(-[a-z]+\.\d+)?$/.test(version))).toEqual([])
})
