// Builds into a directory of its own and compares it with the committed dist, byte for byte.

import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'vite'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const fresh = await mkdtemp(join(tmpdir(), 'jindu-console-'))

async function files(dir) {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true })
  return entries.filter((e) => e.isFile()).map((e) => relative(dir, join(e.parentPath, e.name))).sort()
}

let wrong = []
try {
  await build({ root, logLevel: 'error', build: { outDir: fresh, emptyOutDir: true } })
  const [had, made] = await Promise.all([files(join(root, 'dist')), files(fresh)])
  wrong = [...had.filter((f) => !made.includes(f)).map((f) => `not built: ${f}`), ...made.filter((f) => !had.includes(f)).map((f) => `not committed: ${f}`)]
  for (const f of made.filter((f) => had.includes(f))) {
    const [a, b] = await Promise.all([readFile(join(root, 'dist', f)), readFile(join(fresh, f))])
    if (!a.equals(b)) wrong.push(`differs: ${f}`)
  }
} finally {
  await rm(fresh, { recursive: true, force: true })
}
if (wrong.length) {
  console.error(`console/dist is not what the source builds; run npm run build and commit it\n  ${wrong.join('\n  ')}`)
  process.exit(1)
}
console.log('console/dist is what the source builds')
