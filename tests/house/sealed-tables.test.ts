import { Database } from 'bun:sqlite'
import { expect, test } from 'bun:test'
import { migrations } from '../../gateway/store/migrations'
import { sealedTables } from '../../gateway/store/sealed-rows'

test('[house] every table with an envelope is in the list of those that get the new data key', () => {
  const db = new Database(':memory:')
  for (const migration of migrations) db.run(migration)
  const tables = db.prepare<{ name: string }, []>("SELECT name FROM sqlite_schema WHERE type = 'table'").all()
  const found = tables.flatMap(({ name }) => {
    const columns = db.prepare<{ name: string; pk: number }, []>(`PRAGMA table_info(${name})`).all()
    if (!columns.some((column) => column.name === 'envelope')) return []
    const key = columns.filter(({ pk }) => pk > 0).toSorted((a, b) => a.pk - b.pk)
    const has = (column: string) => columns.some((one) => one.name === column)
    expect([name, has('key_id')]).toEqual([name, true])
    return [
      { table: name, key: key.map((column) => column.name), space: has('space_id') ? 'space_id' : null },
    ]
  })
  const byName = (a: { table: string }, b: { table: string }) => a.table.localeCompare(b.table)
  expect(
    sealedTables.map(({ table, key, space }) => ({ table, key: [...key], space })).toSorted(byName),
  ).toEqual(found.toSorted(byName))
})
