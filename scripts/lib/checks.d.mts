export const checks: readonly { title: string; command: string; args: readonly string[] }[]
