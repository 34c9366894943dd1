// Which commands a migration takes now, and who may give them. The node decides; this only explains.

import { may } from '../api/hooks'
import type { Identity, Migration } from '../api/types'
import type { Word } from '../i18n/words'

export const verbs = ['pause', 'resume', 'promote', 'rollback'] as const
export type Verb = (typeof verbs)[number]

/** Why the command makes no sense now; undefined when it does. failed: a gate fails. */
export function whyNot(verb: Verb, m: Migration, failed: boolean): Word | undefined {
  const phase = m.status?.phase
  if (!phase) return 'cmd.not.begun'
  switch (verb) {
    case 'pause':
      return m.spec.paused ? 'cmd.not.paused' : phase === 'done' ? 'cmd.not.over' : phase === 'rolled_back' ? 'cmd.not.rolledBack' : undefined
    case 'resume':
      return m.spec.paused || phase === 'rolled_back' ? undefined : phase === 'done' ? 'cmd.not.over' : 'cmd.not.running'
    case 'promote':
      if (phase === 'done') return 'cmd.not.over'
      if (phase === 'rolled_back') return 'cmd.not.rolledBack'
      return m.spec.paused ? 'cmd.not.whilePaused' : failed ? 'cmd.not.failed' : undefined
    case 'rollback':
      return phase === 'rolled_back' ? 'cmd.not.rolledBack' : undefined
  }
}

/** Whether the command will wait for somebody else. */
export function needsSecond(verb: Verb, m: Migration): boolean {
  if (verb === 'promote') return m.spec.approval?.promote === true
  return verb === 'resume' && m.spec.approval?.resume === true && m.status?.phase === 'rolled_back'
}

/** Whether the caller may confirm what is pending. */
export function mayConfirm(m: Migration, who: Identity): 'yes' | 'own' | 'role' {
  const by = m.status?.pending?.by ?? ''
  if (by === who.name || by.startsWith(who.name + ':')) return 'own'
  return may(who.role, 'approver') ? 'yes' : 'role'
}
