// Clicks through a migration in a real browser and keeps a picture of each step in e2e/out.
//
//   npm run e2e -- --base http://127.0.0.1:8090 [--migration NAME] [--token SECRET]
//
// The node must have traffic and a migration that is not over; the demo is such a one. Exits 0 when
// every step held.

import { mkdir, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { launch } from './browser.mjs'

const { values: args } = parseArgs({
  options: { base: { type: 'string', default: process.env.BASE_URL ?? 'http://127.0.0.1:8090' }, migration: { type: 'string' }, token: { type: 'string' } },
})
const base = args.base.replace(/\/$/, '')
const out = join(dirname(fileURLToPath(import.meta.url)), 'out')
const patience = 30_000

await rm(out, { recursive: true, force: true })
await mkdir(out, { recursive: true })
const browser = await launch()
const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, locale: 'en-GB', colorScheme: 'light', acceptDownloads: true })
const page = await context.newPage()
page.setDefaultTimeout(patience)
const complaints = []
page.on('pageerror', (e) => complaints.push(String(e)))
page.on('console', (m) => m.type() === 'error' && complaints.push(m.text()))
page.on('request', (r) => !r.url().startsWith(base) && !r.url().startsWith('blob:') && complaints.push(`a request to another host: ${r.url()}`))

function check(holds, text) {
  if (!holds) throw new Error(text)
}

let number = 0
async function step(name, act) {
  number++
  const label = `${String(number).padStart(2, '0')}-${name.replaceAll(' ', '-')}`
  try {
    const said = await act()
    await page.screenshot({ path: join(out, `${label}.png`) })
    console.log(`ok   ${name}${said ? `: ${said}` : ''}`)
  } catch (error) {
    await page.screenshot({ path: join(out, `${label}-failed.png`), fullPage: true }).catch(() => {})
    console.error(`FAIL ${name}`)
    throw error
  }
}

const headers = args.token ? { Authorization: `Bearer ${args.token}` } : {}
const api = async (path) => (await fetch(`${base}/api/v1/${path}`, { headers })).json()
const visit = (hash) => page.goto(`${base}/#/${hash}`)
const text = (selector) => page.locator(selector).first().innerText()

/** Gives a migration command with a reason, through its dialog. */
async function command(verb, reason) {
  await page.locator(`#cmd-${verb}`).click()
  await page.locator('#reason').fill(reason)
  await page.locator('#confirm').click()
  await page.locator('dialog').waitFor({ state: 'detached' })
}

/** Puts text into the editor and waits for the node's opinion of it. */
async function write(value, opinion) {
  await page.locator('#text').fill(value)
  await page.locator(`#check[data-state="${opinion}"]`).waitFor()
}

const problemsBefore = () => complaints.length

async function main() {
  await page.goto(base)
  await page.locator('#token, #main').first().waitFor()
  if (await page.locator('#token').count()) {
    check(args.token, 'the node asks for a token; give one with --token')
    await step('sign in', async () => {
      complaints.length = 0 // the answer 401 that asks for the token is told by the browser
      await page.locator('#token').fill(args.token)
      await page.keyboard.press('Enter')
      await page.locator('#main').waitFor()
    })
  }
  const { items } = await api('migrations')
  const name = args.migration ?? items.find((m) => !['done', 'rolled_back'].includes(m.status?.phase))?.metadata.name
  check(name, 'the node has no migration that is under way')
  const { spec } = items.find((m) => m.metadata.name === name)

  await step('overview shows live traffic', async () => {
    const figure = page.locator('.figure-value').first()
    await page.locator('.chart-main .area').first().waitFor({ state: 'attached' })
    const seen = new Set()
    for (let i = 0; i < 20 && seen.size < 3; i++) {
      seen.add(await figure.innerText())
      await page.waitForTimeout(500)
    }
    check(seen.size >= 2, `the rate does not move: ${[...seen]}`)
    const path = await page.locator('.chart-main .line').first().getAttribute('d')
    await page.waitForTimeout(2500)
    check(path !== (await page.locator('.chart-main .line').first().getAttribute('d')), 'the chart does not move')
    return [...seen].join(', ')
  })
  if (!args.token) {
    await step('a local caller says who it is', async () => {
      await page.getByRole('button', { name: 'Say who you are' }).click()
      await page.locator('#actor').fill('e2e')
      await page.keyboard.press('Enter')
      await page.getByText('local:e2e').waitFor()
    })
  }
  await step('the migration moves users, and can be paused', async () => {
    await visit(`migrations/${name}`)
    await page.locator('#phase[data-phase="ramp"], #phase[data-phase="hold"]').waitFor()
    await command('pause', 'e2e: have a look')
    await page.getByText('Paused: the share stays').waitFor()
    check((await page.locator('#cmd-pause').getAttribute('aria-disabled')) === 'true', 'it can be paused twice')
    return `${await text('#phase')} at ${await text('#share')}`
  })
  await step('estate says how far each service is', async () => {
    await page.getByRole('link', { name: 'Estate', exact: true }).click()
    const row = page.locator('tbody', { hasText: spec.service }).first()
    await row.waitFor()
    return (await row.innerText()).replace(/\s+/g, ' ')
  })
  await step('services list and instances', async () => {
    await page.getByRole('link', { name: 'Services', exact: true }).click()
    await page.locator('tbody a', { hasText: spec.service }).first().click()
    await page.getByText('runtime=').first().waitFor()
    check((await page.locator('.state-serving').count()) > 0, 'no instance is serving')
  })

  const route = `e2e-${Date.now().toString(36)}`
  const object = (path, weight) => `apiVersion: jindu.dev/v1
kind: Route
metadata:
  name: ${route}
spec:
  hostnames: [${route}.example.com]
  sourceTags:
  - name: user
    from: {header: X-User-Group}
  rules:
  - name: beta
    matches:
    - source: {user: beta}
      path: {value: ${path}}
    backendRefs:
    - service: ${spec.service}
      subset: {runtime: java*}
      weight: ${weight}
    - service: ${spec.service}
      subset: {runtime: go*}
      weight: 20
`
  await step('a wrong route is refused field by field', async () => {
    await page.getByRole('link', { name: 'Routes', exact: true }).click()
    await page.getByRole('link', { name: 'New route' }).click()
    const before = problemsBefore()
    await write(object('no-slash', -80), 'wrong')
    const said = await text('#problems')
    check(said.includes('weight') || said.includes('path'), `the problem names no field: ${said}`)
    check(await page.locator('#save').isDisabled(), 'a wrong route can be saved')
    complaints.length = before // the answers 422 are told by the browser
    return said.replace(/\s+/g, ' ').slice(0, 160)
  })
  await step('mended it is created', async () => {
    await write(object('/e2e', 80), 'valid')
    await page.locator('#save').click()
    await page.waitForURL(`**/#/routes/${route}`)
    await page.locator('#check[data-state="idle"]').waitFor()
    check((await text('#main h1')) === route, 'the route is not shown')
  })
  await step('edited it is saved, said in words', async () => {
    const now = await page.locator('#text').inputValue()
    check(/revision: \d+/.test(now), 'the text is not guarded by a revision')
    await write(now.replace('weight: 80', 'weight: 60').replace('weight: 20', 'weight: 40'), 'valid')
    await page.locator('#save').click()
    await page.getByText('Saved as revision').waitFor()
    await page.getByRole('link', { name: 'Routes', exact: true }).click()
    const card = page.locator('.route', { hasText: route })
    await card.getByText('60 %').waitFor()
    const words = (await card.innerText()).replace(/\s+/g, ' ')
    check(words.includes('user=beta') && words.includes('40 %'), `not said in words: ${words}`)
    return words
  })
  await step('a change of somebody else is not overwritten', async () => {
    await visit(`routes/${route}`)
    await page.locator('#check[data-state="idle"]').waitFor()
    const theirs = await api(`routes/${route}`)
    theirs.spec.rules[0].name = 'theirs'
    const put = await fetch(`${base}/api/v1/routes/${route}`, { method: 'PUT', headers: { ...headers, 'Content-Type': 'application/json' }, body: JSON.stringify({ ...theirs, status: undefined }) })
    check(put.ok, `the other change was refused: ${put.status}`)
    const before = problemsBefore()
    await write((await page.locator('#text').inputValue()).replace('weight: 60', 'weight: 70'), 'valid')
    await page.locator('#save').click()
    await page.getByText('Somebody else changed this route').waitFor()
    complaints.length = before // 409 likewise
    await page.getByRole('button', { name: 'Discard mine, load theirs' }).click()
    await page.waitForFunction(() => document.querySelector('#text')?.value.includes('theirs'))
  })
  await step('deleting asks for the name', async () => {
    await page.getByRole('button', { name: 'Delete' }).click()
    await page.locator('#confirm-name').fill(route)
    await page.locator('dialog button[type=submit]').click()
    await page.waitForURL('**/#/routes')
    await page.locator('.route', { hasText: route }).waitFor({ state: 'detached' })
  })

  await step('the migration shows its evidence', async () => {
    await visit(`migrations/${name}`)
    await page.locator('#phase').waitFor()
    await page.locator('.gate').first().waitFor()
    const row = page.locator('table[aria-label="Evidence by endpoint"] > tbody').first()
    await row.waitFor()
    return `${await text('#phase')} at ${await text('#share')}; ${(await row.innerText()).replace(/\s+/g, ' ')}`
  })
  await step('an endpoint opens to its paths', async () => {
    const expander = page.locator('table[aria-label="Evidence by endpoint"] > tbody .expander').first()
    if ((await expander.getAttribute('aria-expanded')) !== 'true') await expander.click()
    await page.locator('.paths').first().waitFor()
  })
  await step('the report is a file', async () => {
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'JSON', exact: true }).click()])
    await download.saveAs(join(out, 'dossier.json'))
    const [html] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Report HTML' }).click()])
    await html.saveAs(join(out, 'dossier.html'))
    return download.suggestedFilename()
  })
  await step('resume', async () => {
    await command('resume', 'e2e: go on')
    await page.getByText('Paused: the share stays').waitFor({ state: 'detached' })
  })
  await step('roll back', async () => {
    await command('rollback', 'e2e: take them back')
    await page.locator('#phase[data-phase="rolled_back"]').waitFor()
    await page.waitForFunction(() => document.querySelector('#share')?.textContent === '0 %')
    check((await page.locator('.notice.fail').innerText()).includes('e2e: take them back'), 'the reason is not shown')
    const { status } = await api(`migrations/${name}`)
    check(status.phase === 'rolled_back' && status.buckets === 0, `the node says ${status.phase} at ${status.buckets}`)
  })
  await step('audit has it all', async () => {
    await page.getByRole('link', { name: 'Audit', exact: true }).click()
    await page.locator('tbody', { hasText: 'rolled_back' }).first().waitFor()
    await page.locator('tbody', { hasText: route }).first().waitFor()
    await page.locator('tbody', { hasText: 'rolled_back' }).first().locator('.expander').click()
    await page.locator('.diff').first().waitFor()
  })
  await step('Chinese and dark', async () => {
    await page.locator('#language').selectOption('zh')
    await page.locator('h1', { hasText: '审计' }).waitFor()
    await page.locator('#theme').selectOption('dark')
    check((await page.evaluate(() => document.documentElement.dataset.theme)) === 'dark', 'the theme did not change')
    await page.reload()
    await page.locator('h1', { hasText: '审计' }).waitFor()
    check((await page.evaluate(() => document.documentElement.lang)) === 'zh-CN', 'the language was forgotten')
  })
  for (const [place, word] of [['overview', '总览'], ['estate', '全景'], [`migrations/${name}`, name]]) {
    await step(`${place.split('/')[0]} in Chinese and dark`, async () => {
      await visit(place)
      await page.locator('h1', { hasText: word }).waitFor()
      await page.waitForTimeout(1500)
    })
  }
  await step('a phone', async () => {
    await page.setViewportSize({ width: 360, height: 740 })
    for (const place of ['overview', 'estate', 'services', 'routes', 'migrations', `migrations/${name}`, 'audit']) {
      await visit(place)
      await page.waitForTimeout(800)
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
      check(wide <= 0, `${place} is ${wide} px wider than the phone`)
    }
  })
  await step('the keyboard reaches the content and the commands', async () => {
    await page.setViewportSize({ width: 1440, height: 900 })
    await visit(`migrations/${name}`)
    await page.locator('#cmd-resume').waitFor()
    await page.evaluate(() => document.activeElement instanceof HTMLElement && document.activeElement.blur())
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    check((await page.evaluate(() => document.activeElement?.id)) === 'main', 'the first key does not skip to the content')
    await page.locator('#cmd-resume').focus()
    await page.keyboard.press('Enter')
    await page.locator('dialog[open]').waitFor()
    await page.keyboard.press('Escape')
    await page.locator('dialog').waitFor({ state: 'detached' })
    check((await page.evaluate(() => document.activeElement?.id)) === 'cmd-resume', 'the focus is lost after the dialog')
  })
  check(complaints.length === 0, `the browser complained:\n  ${complaints.join('\n  ')}`)
}

const began = Date.now()
try {
  await main()
  console.log(`all ${number} steps held in ${((Date.now() - began) / 1000).toFixed(1)} s; pictures in console/e2e/out`)
} catch (error) {
  console.error(error.message.slice(0, 2000))
  process.exitCode = 1
} finally {
  await browser.close()
}
