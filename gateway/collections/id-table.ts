const SMALLEST = 64
/** No id is negative. */
const NO_ID = -1

/**
 * What is under way, by ids that are counted upwards from 0. Takes the place of a `Map` where values come and go all
 * the time, for the reason `LiveList` has. A table with open addressing: an id stands at its own place or, where that
 * is taken, at the next free one; what is removed leaves no mark, because those behind it move up.
 */
export class IdTable<T extends object> {
  #ids = ids(SMALLEST)
  #values = values<T>(SMALLEST)
  #size = 0

  get size(): number {
    return this.#size
  }

  /** Null for an id that is not there, which may be any number. */
  get(id: number): T | null {
    return this.#values[this.#find(id)] ?? null
  }

  set(id: number, value: T): void {
    let at = this.#find(id)
    if (this.#values[at] === null) {
      if (this.#size * 2 >= this.#ids.length) {
        this.#grow()
        at = this.#find(id)
      }
      this.#size += 1
    }
    this.#ids[at] = id
    this.#values[at] = value
  }

  /** Removes and returns; null for an id that is not there. */
  take(id: number): T | null {
    const at = this.#find(id)
    const value = this.#values[at] ?? null
    if (value) this.#vacate(at)
    return value
  }

  /** Those of this moment, in no order. */
  toArray(): T[] {
    return this.#values.filter((value) => value !== null)
  }

  /** Removes all of them. */
  drain(): T[] {
    const all = this.toArray()
    this.#ids.fill(NO_ID)
    this.#values.fill(null)
    this.#size = 0
    return all
  }

  /** Where an id stands, or would. At least half of the places are free, so that one is found. */
  #find(id: number): number {
    const mask = this.#ids.length - 1
    let at = id & mask
    for (;;) {
      const there = this.#ids[at]
      if (there === id || there === NO_ID) return at
      at = (at + 1) & mask
    }
  }

  #vacate(at: number): void {
    const mask = this.#ids.length - 1
    let free = at
    for (let next = (at + 1) & mask; ; next = (next + 1) & mask) {
      const id = this.#ids[next] ?? NO_ID
      if (id === NO_ID) break
      // Whoever stands as far from its own place as from the free one would not be found beyond it.
      if (((next - id) & mask) < ((next - free) & mask)) continue
      this.#ids[free] = id
      this.#values[free] = this.#values[next] ?? null
      free = next
    }
    this.#ids[free] = NO_ID
    this.#values[free] = null
    this.#size -= 1
  }

  #grow(): void {
    const [formerIds, former] = [this.#ids, this.#values]
    this.#ids = ids(formerIds.length * 2)
    this.#values = values<T>(formerIds.length * 2)
    for (const [index, value] of former.entries()) {
      if (value === null) continue
      const id = formerIds[index] ?? NO_ID
      const at = this.#find(id)
      this.#ids[at] = id
      this.#values[at] = value
    }
    former.fill(null)
  }
}

const ids = (length: number): number[] => new Array<number>(length).fill(NO_ID)
const values = <T>(length: number): (T | null)[] => new Array<T | null>(length).fill(null)
