// 200 times kill -9 of the compiled gateway under writes, five of them over 20 stubborn process trees.
import { expect, test } from 'bun:test'
import { killNine } from '../support/kill-nine'

const CYCLES = 200

test(`[threat.59] [threat.49] [threat.72] ${CYCLES} × kill -9 under writes lose nothing that was acknowledged, and no tree is left`, async () => {
  const found = await killNine({
    cycles: CYCLES,
    trees: 20,
    plants: (cycle) => cycle % 40 === 39,
    // Five seconds are promised.
    patience: 50_000,
  })
  expect(found.wrong).toEqual([])
  expect(found.acknowledged).toBeGreaterThan(CYCLES)
  expect(found.planted).toBeGreaterThanOrEqual(500)
}, 800_000)
