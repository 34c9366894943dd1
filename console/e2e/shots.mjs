// Takes pictures of every page in the sizes, themes and languages that matter, for people to look at.
//
//   node e2e/shots.mjs --base http://127.0.0.1:8091 [--only migration]

import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { launch } from './browser.mjs'

const { values: args } = parseArgs({
  options: { base: { type: 'string', default: 'http://127.0.0.1:8091' }, only: { type: 'string', default: '' }, migration: { type: 'string', default: 'orders-to-go' } },
})
const out = join(dirname(fileURLToPath(import.meta.url)), 'out', 'shots')
await mkdir(out, { recursive: true })

const places = {
  overview: '#/overview',
  estate: '#/estate',
  wall: '#/estate?wall=1',
  services: '#/services',
  service: '#/services/orders',
  routes: '#/routes',
  editor: '#/routes/shop',
  migrations: '#/migrations',
  migration: `#/migrations/${args.migration}`,
  'migration-failed': '#/migrations/accounts-to-go',
  effects: `#/migrations/${args.migration}/effects`,
  data: `#/migrations/${args.migration}/data`,
  audit: '#/audit',
}
const looks = [
  ['1440-light-en', 1440, 900, 'light', 'en'],
  ['1440-dark-zh', 1440, 900, 'dark', 'zh'],
  ['360-light-zh', 360, 740, 'light', 'zh'],
  ['2560-dark-en', 2560, 1440, 'dark', 'en'],
]

const browser = await launch()
const warm = await browser.newPage()
await warm.goto(args.base)
for (const [look, width, height, theme, lang] of looks) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: theme, locale: lang === 'zh' ? 'zh-CN' : 'en-GB', reducedMotion: 'reduce' })
  const page = await context.newPage()
  page.on('console', (m) => m.type() === 'error' && console.error(look, m.text()))
  page.on('pageerror', (e) => console.error(look, e))
  await page.goto(args.base + '/#/overview')
  for (const [name, hash] of Object.entries(places)) {
    if (!`${name} ${look}`.includes(args.only)) continue
    await page.goto(args.base + '/' + hash)
    await page.waitForTimeout(name === 'overview' ? 14_000 : 1600)
    await page.screenshot({ path: join(out, `${name}-${look}.png`), fullPage: name !== 'wall' })
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
    if (wide > 0) console.error(`${name} ${look}: ${wide} px wider than the window`)
  }
  await context.close()
}
await browser.close()
