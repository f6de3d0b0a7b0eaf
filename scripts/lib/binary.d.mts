export const binary: string
export function hasKeychainLibrary(file: string): boolean
