/** The picture of a process: stations on one line, and the same as an ordered list that says where one is. */
import { type Html, html } from '#kernel/html'
import type { Language } from '#kernel/text'
import type { Content } from './forms.ts'
import { text } from './text.ts'

export interface ProcessStep {
  readonly name: string
  /** Who does it, and how long it may take. */
  readonly detail?: Content | undefined
}

export interface ProcessPictureOptions {
  readonly language: Language
  /** In order; steps that run at the same time stand together in a list of their own. */
  readonly steps: readonly (ProcessStep | readonly ProcessStep[])[]
  /** The index of the present stage in `steps`; `null` for the public picture without a case; `steps.length` when all is done. */
  readonly here: number | null
}

/** The steps with the case's present place. The picture carries numbers; the list under it carries the words, so nothing is said only by drawing. */
export function processPicture({ language: l, steps, here }: ProcessPictureOptions): Html {
  const stages = steps.map((s) => (Array.isArray(s) ? (s as readonly ProcessStep[]) : [s as ProcessStep]))
  const lanes = Math.max(...stages.map((s) => s.length))
  const gap = 76
  const lane = 62
  const middle = 34 + ((lanes - 1) * lane) / 2
  const x = (i: number) => 34 + i * gap
  const y = (i: number, of: number) => middle + (i - (of - 1) / 2) * lane
  const stateOf = (i: number) => (here === null || i > here ? 'ahead' : i === here ? 'here' : 'done')
  const width = x(stages.length - 1) + 34
  const height = 68 + (lanes - 1) * lane

  const rails = stages.slice(1).flatMap((to, i) => {
    const from = stages[i]!
    const cls = `v-process__rail v-process__rail--${here !== null && i + 1 <= here ? 'done' : 'ahead'}`
    return from.flatMap((_, a) =>
      to.map((_, b) => {
        const [x1, y1, x2, y2] = [x(i), y(a, from.length), x(i + 1), y(b, to.length)]
        return html`<path class="${cls}" d="M${x1} ${y1}C${x1 + gap / 2} ${y1} ${x2 - gap / 2} ${y2} ${x2} ${y2}"/>`
      }),
    )
  })
  const stations = stages.flatMap((stage, i) => {
    const state = stateOf(i)
    return stage.map((_, k) => {
      const [cx, cy] = [x(i), y(k, stage.length)]
      return html`${state === 'here' && html`<circle class="v-process__halo" cx="${cx}" cy="${cy}" r="27"/>`}<circle class="v-process__station v-process__station--${state}" cx="${cx}" cy="${cy}" r="18"/>${
        state === 'done'
          ? html`<path class="v-process__tick" d="M${cx - 7} ${cy}l5 6 9-11"/>`
          : html`<text class="v-process__figure v-process__figure--${state}" x="${cx}" y="${cy + 6}" text-anchor="middle">${i + 1}${stage.length > 1 && 'abcdefgh'[k]}</text>`
      }`
    })
  })
  const label =
    here !== null && here < stages.length
      ? `${text(l, 'process.step-of', { here: here + 1, total: stages.length })}: ${stages[here]!.map((s) => s.name).join(', ')}`
      : text(l, 'process.picture')
  const item = (step: ProcessStep, mark: Html | null) =>
    html`<span class="v-steps__name">${step.name}</span>${mark}${step.detail && html`<span class="v-steps__detail">${step.detail}</span>`}`
  return html`<div class="v-process"><svg class="v-process__picture" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${label}">${rails}${stations}</svg><ol class="v-steps">${stages.map(
    (stage, i) => {
      const state = stateOf(i)
      const mark =
        state === 'here'
          ? html` <strong class="v-steps__here">${text(l, 'process.here')}</strong>`
          : state === 'done'
            ? html` <span class="v-steps__done">${text(l, 'process.done')}</span>`
            : null
      return html`<li class="v-steps__item v-steps__item--${state}"${state === 'here' ? html` aria-current="step"` : null}>${
        stage.length === 1
          ? item(stage[0]!, mark)
          : html`<span>${text(l, 'process.together')}</span>${mark}<ul class="v-steps__together">${stage.map((s) => html`<li>${item(s, null)}</li>`)}</ul>`
      }</li>`
    },
  )}</ol></div>`
}
