import { Database } from 'bun:sqlite'
import { expect, test } from 'bun:test'
import { migrations } from '../../gateway/store/migrations'
import { splitStatements } from '../../gateway/store/split-statements'

test('[threat.60] statements end at semicolons that are neither quoted nor commented', () => {
  const sql = `
    -- a; comment
    CREATE TABLE "a;b" (x TEXT DEFAULT 'it''s; fine'); /* one; more */ ;
    INSERT INTO "a;b" VALUES ('--not a comment')`
  expect(splitStatements(sql)).toEqual([
    `CREATE TABLE "a;b" (x TEXT DEFAULT 'it''s; fine')`,
    `INSERT INTO "a;b" VALUES ('--not a comment')`,
  ])
  expect(splitStatements(' \n-- nothing\n')).toEqual([])
})

test('[threat.60] a trigger is one statement with its body', () => {
  const trigger = `CREATE TEMP TRIGGER t AFTER INSERT ON a BEGIN
    UPDATE a SET x = CASE WHEN x = 1 THEN 2 ELSE 3 END; DELETE FROM a WHERE x = 9; END`
  const sql = `CREATE TABLE a (x); ${trigger}; BEGIN; INSERT INTO a VALUES (1); END;`
  const statements = splitStatements(sql)
  expect(statements).toEqual(['CREATE TABLE a (x)', trigger, 'BEGIN', 'INSERT INTO a VALUES (1)', 'END'])
  const db = new Database(':memory:')
  for (const statement of statements) db.run(statement)
  expect(db.prepare('SELECT x FROM a').all()).toEqual([{ x: 2 }])
  db.close()
})

test('[threat.60] statement by statement a migration makes what it makes in one go', () => {
  const schema = (run: (db: Database, sql: string) => void) => {
    const db = new Database(':memory:')
    for (const sql of migrations) run(db, sql)
    return db.prepare<{ name: string; sql: string | null }, []>('SELECT name, type FROM sqlite_schema').all()
  }
  const single = schema((db, sql) => splitStatements(sql).forEach((statement) => db.run(statement)))
  expect(single).toEqual(schema((db, sql) => db.run(sql)))
  expect(single.length).toBeGreaterThan(20)
})
