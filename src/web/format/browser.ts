const browsers = [
  ['Edge', /Edg\w*\/(\d+)/],
  ['Firefox', /Firefox\/(\d+)/],
  ['Chrome', /Chrom\w*\/(\d+)/],
  ['Safari', /Version\/(\d+).*Safari/],
] as const
const systems = ['Windows', 'Android', 'iPhone', 'iPad', 'Mac OS X', 'Linux'] as const

/** `Firefox 140, Linux` for what a browser calls itself; what is none that we know stays as it is. */
export function browserName(userAgent: string): string {
  for (const [name, pattern] of browsers) {
    const version = pattern.exec(userAgent)?.[1]
    if (version === undefined) continue
    const system = systems.find((one) => userAgent.includes(one))
    return [`${name} ${version}`, system].filter(Boolean).join(', ')
  }
  return userAgent
}
