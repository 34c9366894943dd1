// The picture of the product: two banks, and how far the crossing has come.

import type { Migration, Phase } from '../api/types'
import { useT } from '../i18n'
import { percent } from '../lib/format'
import { selector } from '../lib/words'

interface CrossingProps {
  /** Percent on the new side. */
  share: number
  /** Marks on the way, in percent. */
  steps?: readonly number[]
  failed?: boolean
  label: string
}

/** A bar from the old bank to the new one. */
export function Crossing({ share, steps = [], failed, label }: CrossingProps) {
  return (
    <div
      className={`crossing${failed ? ' failed' : ''}`}
      role="meter"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={share}
      aria-valuetext={percent(share)}
    >
      <div className="crossing-water">
        <div className="crossing-new" style={{ width: `${share}%` }} />
        {steps
          .filter((s) => s < 100)
          .map((s) => (
            <span key={s} className={s <= share ? 'crossing-step past' : 'crossing-step'} style={{ left: `${s}%` }} />
          ))}
      </div>
      <span className="crossing-boat" style={{ left: `${share}%` }} />
    </div>
  )
}

const defaultSteps = [1, 5, 25, 50, 100]

export const stepsOf = (m: Migration) => (m.spec.steps?.length ? m.spec.steps : defaultSteps)
export const shareOf = (m: Migration) => (m.status?.buckets ?? 0) / 100

/** The crossing with its banks named. */
export function LargeCrossing({ m }: { m: Migration }) {
  const { t } = useT()
  const share = shareOf(m)
  const steps = stepsOf(m)
  return (
    <div className="large-crossing">
      <div className="bank old">
        <span className="bank-side">{t('migration.from')}</span>
        <span className="bank-name">{selector(m.spec.from)}</span>
        <span className="bank-share">{percent(100 - share)}</span>
      </div>
      <div className="large-crossing-bar">
        <Crossing share={share} steps={steps} failed={m.status?.phase === 'rolled_back'} label={t('migration.share')} />
        <ol className="crossing-scale" aria-hidden="true">
          {steps.map((s, i) => (
            // Close marks would print over each other: every label needs 4 % of the width.
            <li key={s} style={{ left: `${s}%` }} className={i > 0 && s - (steps[i - 1] ?? 0) < 6 ? 'raised' : undefined}>
              {s}
            </li>
          ))}
        </ol>
      </div>
      <div className="bank new">
        <span className="bank-side">{t('migration.to')}</span>
        <span className="bank-name">{selector(m.spec.to)}</span>
        <span className="bank-share">{percent(share)}</span>
      </div>
    </div>
  )
}

const order: Phase[] = ['mirror', 'ramp', 'hold', 'done']

/** Where the migration stands, and where it was when it was rolled back. */
export function PhaseTrack({ m }: { m: Migration }) {
  const { t } = useT()
  const phase = m.status?.phase
  const back = phase === 'rolled_back'
  const history = m.status?.history ?? []
  const reached = back ? history.findLast((h) => h.phase !== 'rolled_back')?.phase : phase
  const phases: Phase[] = m.spec.observe || phase === 'observe' || history.some((h) => h.phase === 'observe') ? ['observe', ...order] : order
  const here = reached ? phases.indexOf(reached) : -1
  const steps = stepsOf(m)
  return (
    <ol className="phase-track" aria-label={t('phase.track')}>
      {phases.map((p, i) => {
        const state = i < here || (i === here && p === 'done') ? 'past' : i === here ? (back ? 'back' : 'here') : 'ahead'
        return (
          <li key={p} className={state} aria-current={i === here && !back ? 'step' : undefined}>
            <span className="phase-dot" />
            <span className="phase-name">{t(`phase.${p}`)}</span>
            {p === 'ramp' && state === 'here' && (
              <span className="phase-note">{t('phase.ramp.what', { step: Math.max(0, m.status?.step ?? 0) + 1, steps: steps.length })}</span>
            )}
            {state === 'back' && <span className="phase-note">{t('phase.rolled_back')}</span>}
          </li>
        )
      })}
    </ol>
  )
}
