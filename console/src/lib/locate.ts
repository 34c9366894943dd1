// Finds the line of a field in block YAML as the editor writes it, to point at a problem.

/** The steps of "spec.rules[0].matches": spec, rules, 0, matches. */
export function steps(field: string): string[] {
  return field.replace(/\[(\d+)\]/g, '.$1').replace(/^body\./, '').split(/[./]/).filter(Boolean)
}

/** Line (from 0) of the deepest step of field that exists in the text; undefined when not even the first does. */
export function locate(text: string, field: string): number | undefined {
  const lines = text.split('\n').map(readLine)
  let from = 0
  let to = lines.length
  let min = 0
  let found: number | undefined
  for (const step of steps(field)) {
    const at = /^\d+$/.test(step) ? item(lines, from, to, min, Number(step)) : key(lines, from, to, min, step)
    if (at === undefined) return found
    found = at.line
    from = at.from
    min = at.indent
    to = end(lines, at.line + 1, to, at.indent)
  }
  return found
}

interface Line {
  indent: number // of the key, with dashes counted in
  dash: number // indent of the dash, -1 without
  key: string
  blank: boolean
}

function readLine(text: string): Line {
  const m = /^(\s*)((?:- +)*)(?:("[^"]*"|[^\s"#:][^:]*|)(:)(?:\s|$))?/.exec(text)
  const lead = m?.[1]?.length ?? 0
  const dashes = m?.[2] ?? ''
  const bare = /^\s*-\s*$/.test(text)
  return {
    indent: lead + dashes.length,
    dash: dashes || bare ? lead : -1,
    key: (m?.[3] ?? '').replace(/^"|"$/g, ''),
    blank: /^\s*(#.*)?$/.test(text),
  }
}

interface Found {
  line: number
  from: number // where its children begin
  indent: number // children are indented by at least this
}

function key(lines: Line[], from: number, to: number, min: number, name: string): Found | undefined {
  let level: number | undefined
  for (let i = from; i < to; i++) {
    const l = lines[i]!
    if (l.blank || !l.key || l.indent < min) continue
    level ??= l.indent
    if (l.indent === level && l.key === name) return { line: i, from: i + 1, indent: l.dash >= 0 ? l.dash + 1 : l.indent }
  }
  return undefined
}

function item(lines: Line[], from: number, to: number, min: number, n: number): Found | undefined {
  let level: number | undefined
  let seen = -1
  for (let i = from; i < to; i++) {
    const l = lines[i]!
    if (l.blank || l.dash < min) continue
    level ??= l.dash
    if (l.dash === level && ++seen === n) return { line: i, from: i, indent: l.dash + 1 }
  }
  return undefined
}

/** The first line that is indented no deeper, from which on the field is over. */
function end(lines: Line[], from: number, to: number, indent: number): number {
  for (let i = from; i < to; i++) {
    const l = lines[i]!
    if (l.blank) continue
    const column = l.dash >= 0 ? l.dash : l.indent
    if (column < indent) return i
  }
  return to
}
