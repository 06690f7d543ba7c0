const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'] as const
const noBreak = '\u00a0'

/** Bytes as people read them: `1.4 GB`, in powers of a thousand as disks and docker count. `tag`: the language. */
export function formatSize(bytes: number, tag = 'en'): string {
  const power = bytes < 1000 ? 0 : Math.min(Math.floor(Math.log10(bytes) / 3), units.length - 1)
  // 999,900 would be written as 1,000 kB.
  const step = power < units.length - 1 && bytes / 1000 ** power >= 999.5 ? power + 1 : power
  const value = bytes / 1000 ** step
  const number = new Intl.NumberFormat(tag, { maximumFractionDigits: step === 0 || value >= 100 ? 0 : 1 })
  return `${number.format(value)}${noBreak}${units[step]}`
}
