/** Hands what nobody caught to `tell`, in place of whoever took it before. The process goes on. */
export function takeUncaught(tell: (error: unknown) => void): void {
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
    process.removeAllListeners(event)
    process.on(event, tell)
  }
}
