const LONGEST = 1024

/** A client id that is the address of a document, spelled as OAuth Client ID Metadata Document wants it (section 3). */
export function isDocumentId(id: string): boolean {
  if (!id.startsWith('https://') || id.length > LONGEST || !URL.canParse(id)) return false
  const url = new URL(id)
  // Compared as spelled: what a parser would change is not the same id.
  return (
    url.href === id && url.pathname !== '/' && url.hash === '' && url.username === '' && url.password === ''
  )
}
