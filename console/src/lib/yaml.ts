// Writes JSON values as YAML for the editor. Reading YAML is left to the node, which validates it.

/** The value as a YAML document that any YAML 1.1 or 1.2 reader reads back as the same value. */
export function toYAML(value: unknown): string {
  return block(value, 0).join('\n') + '\n'
}

function block(value: unknown, depth: number): string[] {
  const pad = '  '.repeat(depth)
  if (Array.isArray(value)) {
    if (value.length === 0) return [pad + '[]']
    return value.flatMap((item) => {
      const lines = block(item, depth + 1)
      const first = lines[0] ?? ''
      return [pad + '- ' + first.trimStart(), ...lines.slice(1)]
    })
  }
  if (value !== null && typeof value === 'object') {
    const entries = Object.entries(value).filter(([, v]) => v !== undefined)
    if (entries.length === 0) return [pad + '{}']
    return entries.flatMap(([k, v]) => {
      const key = pad + scalar(k) + ':'
      if (v === null || typeof v !== 'object' || Object.keys(v).length === 0) return [key + ' ' + block(v, 0)[0]]
      return [key, ...block(v, depth + 1)]
    })
  }
  return [pad + scalar(value)]
}

const plain = /^[A-Za-z_/$][A-Za-z0-9_./$*+()-]*( [A-Za-z0-9_./$*+(){}-]+)*$/
const reserved = /^(y|yes|n|no|true|false|on|off|null|nan|inf)$/i

function scalar(value: unknown): string {
  if (typeof value !== 'string') return JSON.stringify(value) ?? 'null'
  // Anything that could be read as something else is quoted; JSON strings are YAML strings.
  return plain.test(value) && !reserved.test(value) ? value : JSON.stringify(value)
}
