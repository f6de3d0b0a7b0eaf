/** Where a value stands in a `LiveList`: given by `add`, taken by `remove`. */
export interface Place<T extends object> {
  value: T | null
  before: Place<T> | null
  after: Place<T> | null
}

/**
 * What is under way, oldest first; to add and to remove cost the same however long the list is.
 *
 * A `Set` would do but for its memory: one whose values come and go moves to a new table every few dozen of them, each
 * old table points to the next, and the collector of young objects takes everything an old table points to for alive.
 * With one call after another, nearly all of them were still there at each collection. A place that was left points
 * nowhere.
 */
export class LiveList<T extends object> {
  #first: Place<T> | null = null
  #last: Place<T> | null = null
  #size = 0

  get size(): number {
    return this.#size
  }

  /** The oldest; null when there is none. */
  get first(): T | null {
    return this.#first?.value ?? null
  }

  add(value: T): Place<T> {
    const before = this.#last
    const place: Place<T> = { value, before, after: null }
    if (before) before.after = place
    else this.#first = place
    this.#last = place
    this.#size += 1
    return place
  }

  /** A place that was left before is left alone. It has to be one of this list. */
  remove(place: Place<T>): void {
    if (place.value === null) return
    const { before, after } = place
    if (before) before.after = after
    else this.#first = after
    if (after) after.before = before
    else this.#last = before
    place.value = null
    place.before = null
    place.after = null
    this.#size -= 1
  }

  /** The newest for which `test` holds; null when there is none. */
  newest(test: (value: T) => boolean = () => true): T | null {
    for (let place = this.#last; place; place = place.before)
      if (place.value && test(place.value)) return place.value
    return null
  }

  /** Those of this moment, oldest first. */
  toArray(): T[] {
    const all: T[] = []
    for (let place = this.#first; place; place = place.after) if (place.value) all.push(place.value)
    return all
  }

  /** Removes all of them. */
  drain(): T[] {
    const all = this.toArray()
    while (this.#first) this.remove(this.#first)
    return all
  }
}
