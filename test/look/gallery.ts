/** Pages that show every component in every state, served under the portal's own CSP. For tests and for people who change the look. */
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import QRCode from 'qrcode'
import { type Html, html, trustedHtml } from '#kernel/html'
import * as look from '#look'
import { buildAssets } from '../../src/platform/look/build.ts'

// Shown is what the sources say now, not what was built some time ago.
await buildAssets()

const language = 'es' as const
const somebody = { person: 'p1', grants: [] }

function page(title: string, url: string, body: Html, more: Partial<look.LayoutOptions> = {}): Html {
  return look.layout({ title, language, url, visitor: { person: null }, demo: false, body, ...more })
}

const qr = (text: string): Html => {
  let svg = ''
  QRCode.toString(text, { type: 'svg', margin: 0 }, (error, drawn) => {
    if (error) throw error
    svg = drawn
  })
  return trustedHtml(svg)
}

const steps: look.ProcessPictureOptions['steps'] = [
  { name: 'Usted entrega su solicitud', detail: 'En línea o en la ventanilla. Es gratis.' },
  { name: 'Revisión de papeles', detail: 'Oficina de Comercio, hasta 3 días hábiles.' },
  [{ name: 'Protección Civil revisa el local' }, { name: 'Desarrollo Urbano revisa el uso de suelo' }],
  { name: 'Se decide', detail: 'Quien decide firma con su nombre.' },
  { name: 'Recibe su licencia', detail: 'Con sello y código para comprobarla.' },
]

const papers: look.Paper[] = [
  { name: 'Identificación oficial', hint: 'Credencial para votar, pasaporte o cédula profesional.', state: 'received' },
  { name: 'Comprobante de domicilio del local', hint: 'De los últimos tres meses.', state: 'missing' },
  { name: 'Contrato de arrendamiento o escritura', state: 'received' },
]

const four = (): Html =>
  look.fourLines({
    language,
    number: '47',
    who: 'Oficina de Comercio de Oaxaca de Juárez',
    until: html`A más tardar el <strong>14 de diciembre de 2026</strong>`,
    now: 'Nada. Le avisamos cuando lo atiendan.',
  })

const history: look.Happening[] = [
  {
    at: '2026-11-24T15:05Z',
    when: '24 de noviembre, 9:05',
    title: 'En espera en la fila',
    detail: 'Lugar 47. Hay 12 turnos antes.',
    now: true,
  },
  {
    at: '2026-11-24T15:04Z',
    when: '24 de noviembre, 9:04',
    title: 'Solicitud entregada',
    detail: html`<a class="govuk-link" href="/receipt">Ver el comprobante</a>`,
  },
  { at: '2026-11-23T21:40Z', when: '23 de noviembre, 15:40', title: 'Solicitud empezada' },
]

const hero = (state: look.TurnState, more: Partial<look.TurnHeroOptions> = {}): Html =>
  look.turnHero({ language, number: '47', state, headingLevel: 2, where: 'Oficina de Comercio de Oaxaca de Juárez', ...more })

const section = (title: string, ...inside: readonly (Html | null)[]): Html => html`<h2 class="govuk-heading-l">${title}</h2>${inside}`

/** The pages by their path. */
export const gallery: Readonly<Record<string, () => Html>> = {
  '/': () =>
    page(
      'Ventanilla',
      '/',
      html`<h2 class="govuk-heading-m">En este momento de su vida</h2>
${look.tiles([
  { href: '/life/birth', title: 'Nació mi hija o mi hijo', text: 'Registro, acta y CURP' },
  { href: '/life/business', title: 'Voy a abrir un negocio', text: 'Licencia, uso de suelo, Protección Civil' },
  { href: '/life/driving', title: 'Voy a manejar', text: 'Licencia, placas, verificación' },
  { href: '/life/death', title: 'Murió alguien de mi familia', text: 'Acta, pensión, herencia' },
  { href: '/life/moving', title: 'Me cambié de casa', text: 'Domicilio, agua, predial' },
  { href: '/life/health', title: 'Necesito atención médica', text: 'Afiliación, citas, incapacidad' },
])}
<h2 class="govuk-heading-m">Lo que es de todos</h2>
${look.tiles([
  { href: '/my-line', title: 'Mi lugar en la fila', text: 'Su número, cuántos van antes y cuánto falta' },
  { href: '/purchases', title: 'Lo que compra el gobierno', text: 'A quién, cuánto y por qué' },
  { href: '/performance', title: 'Cómo van los servicios', text: 'Esperas y plazos medidos hoy' },
])}
${look.figures(language, [
  { value: '10,214', label: 'trámites que puede encontrar aquí' },
  { value: '18 min', label: 'espera de la mitad de la gente, hoy' },
  { value: '0', label: 'turnos atendidos fuera de orden', note: html`<a class="govuk-link" href="/register">Compruébelo</a>` },
])}`,
      { hero: look.searchBox({ language, action: '/services', pageHeading: true }), description: 'Encuentre su trámite, pídalo y sígalo.' },
    ),

  '/services': () =>
    page(
      'Resultados para «licencia»',
      '/services',
      html`<h1 class="govuk-heading-xl">Trámites</h1>${look.searchBox({ language, action: '/services', value: 'licencia', hint: null })}
<p class="govuk-body">27 trámites en <strong>Oaxaca de Juárez</strong></p>
${look.cardList([
  look.serviceCard({
    href: '/services/a',
    name: 'Licencia de funcionamiento de bajo riesgo',
    agency: 'Dirección de Comercio',
    place: 'Oaxaca de Juárez',
    facts: ['Gratis', '3 días hábiles', 'En línea'],
    summary: 'Para abrir una tienda, un taller o un local pequeño.',
  }),
  look.serviceCard({
    href: '/services/b',
    name: 'Licencia de conducir',
    agency: 'Secretaría de Movilidad',
    place: 'Oaxaca',
    facts: ['$812', '1 día hábil'],
  }),
  look.serviceCard({ href: '/services/c', name: 'Licencia de construcción', agency: 'Desarrollo Urbano', place: 'Oaxaca de Juárez' }),
])}
${look.pagination({ language, previous: { href: '?page=1' }, items: [{ number: 1, href: '?page=1' }, { number: 2, href: '?page=2', current: true }, null, { number: 9, href: '?page=9' }], next: { href: '?page=3' } })}`,
      { breadcrumbs: [{ text: 'Inicio', href: '/' }, { text: 'Trámites' }] },
    ),

  '/services/a': () =>
    page(
      'Licencia de funcionamiento',
      '/services/a',
      html`<h1 class="govuk-heading-xl">Licencia de funcionamiento de bajo riesgo</h1><p class="govuk-body-l">Para abrir una tienda, un taller o un local pequeño en Oaxaca de Juárez.</p>
${look.button({ text: 'Empezar', kind: 'start', href: '/form' })}
${look.figures(language, [
  { value: 'Gratis', label: 'costo total' },
  { value: '3 días hábiles', label: 'plazo máximo' },
  { value: '18–35 min', label: 'espera medida hoy', unverified: true, note: 'de 41 turnos' },
])}
${look.insetText({ text: 'Si no le contestan en el plazo, se entiende que la respuesta es sí.' })}
${look.closedList({ language, papers: papers.map(({ state: _, ...p }) => p) })}
<h2 class="govuk-heading-m">Qué pasa después</h2>${look.processPicture({ language, steps, here: null })}
${look.details({ summary: '¿Qué ley lo dice?', body: 'Ley de Fomento Económico del municipio, artículo 14.' })}
${look.warningText({ language, text: 'Sin número no hay trámite. Pida siempre su número.' })}`,
      {
        breadcrumbs: [{ text: 'Inicio', href: '/' }, { text: 'Trámites', href: '/services' }, { text: 'Licencia de funcionamiento' }],
        visitor: null,
      },
    ),

  '/form': () => {
    const wrong = 'Escriba la CURP completa. Tiene 18 letras y números.'
    const noDay = 'Escriba el día en que nació.'
    return page(
      'Sus datos',
      '/form',
      html`<span class="govuk-caption-l">Licencia de funcionamiento · Paso 2 de 5</span><h1 class="govuk-heading-xl">Sus datos</h1><form method="post" novalidate>
${look.input({ name: 'curp', label: { text: 'CURP', classes: 'govuk-label--m' }, hint: 'Está en su acta y en su credencial para votar.', error: wrong, value: 'GOMA8003', classes: 'govuk-input--width-20', autocapitalize: 'characters', spellcheck: false })}
${look.dateInput({ id: 'birth', language, namePrefix: 'birth', fieldset: { legend: { text: 'Fecha de nacimiento', classes: 'govuk-fieldset__legend--m' } }, hint: 'Por ejemplo, 31 3 1980', error: noDay, wrong: ['day'], values: { month: '3', year: '1980' } })}
${look.radios({
  name: 'who',
  fieldset: { legend: { text: '¿Para quién es la licencia?', classes: 'govuk-fieldset__legend--m' } },
  items: [
    { value: 'me', text: 'Para mí' },
    {
      value: 'company',
      text: 'Para una empresa',
      hint: 'Necesita su RFC.',
      conditional: look.input({ name: 'rfc', label: 'RFC de la empresa', classes: 'govuk-input--width-20' }),
    },
  ],
})}
${look.button({ text: 'Guardar y seguir' })}</form>`,
      { backLink: '/services/a', error: [look.fieldError('curp', wrong), look.fieldError('birth-day', noDay)], visitor: somebody },
    )
  },

  '/receipt': () =>
    page(
      'Comprobante',
      '/receipt',
      html`${look.panel({ title: 'Su solicitud está entregada', body: html`Referencia <strong class="v-code">VN-7K4P-2M9C</strong>` })}
${hero('waiting', { ahead: 12, waitRange: 'entre 35 y 60 minutos' })}
${look.clockLine({ language, state: 'running', spent: 1, total: 15, due: '14 de diciembre de 2026', silence: 'se entiende que la respuesta es sí.' })}
${look.closedList({ language, papers })}
<p class="govuk-body"><strong>Esto es gratis.</strong> Nadie puede cobrarle por su lugar.</p>
${look.qrBlock({ language, svg: qr('https://ventanilla.example/check/VN7K4P2M9C#x'), code: 'VN7K 4P2M 9C', url: 'ventanilla.example/check', href: '/check' })}
${look.button({ text: 'Me pidieron dinero u otra cosa', kind: 'secondary', href: '/report' })}`,
      { visitor: somebody, robots: 'noindex', demo: true },
    ),

  '/my-line': () =>
    page(
      'Mi lugar en la fila',
      '/my-line',
      html`<h1 class="govuk-heading-xl">Mi lugar en la fila</h1>${four()}${look.processPicture({ language, steps, here: 2 })}<h2 class="govuk-heading-m">Qué ha pasado</h2>${look.timeline(history)}`,
      { visitor: somebody },
    ),

  '/turns': () =>
    page(
      'Turnos',
      '/turns',
      html`<h1 class="govuk-heading-xl">Un turno en cada estado</h1>
${hero('waiting', { ahead: 12, waitRange: null })}${hero('waiting', { number: '1,204', ahead: 348, waitRange: 'entre 2 y 3 días hábiles' })}${hero('next', { ahead: 0, waitRange: 'menos de 5 minutos' })}
${hero('called', { desk: '3', note: 'Pase a la mesa 3 con sus papeles.' })}
${hero('held', { note: 'Le pidieron un papel que falta, hasta el 4 de diciembre. Su lugar se guarda.', actions: html`${look.button({ text: 'Entregar el papel', href: '/form' })}${look.button({ text: 'Ya está ahí', kind: 'secondary' })}` })}
${hero('finished', { note: 'Su decisión está lista.' })}${hero('left')}
${look.clockLine({ language, state: 'paused', spent: 4, total: 15, due: '18 de diciembre de 2026', reason: 'En pausa porque falta un papel suyo.' })}
${look.clockLine({ language, state: 'over', spent: 15, total: 15, due: '14 de diciembre de 2026' })}`,
      { visitor: { person: 'p2', grants: [{ role: 'official' }] } },
    ),

  '/offices/1/now': () =>
    page(
      'Oficina de Comercio',
      '/offices/1/now',
      look.officeNow({
        language,
        office: 'Oficina de Comercio de Oaxaca de Juárez',
        line: 'Licencias de funcionamiento',
        serving: [
          { desk: '1', number: '31' },
          { desk: '2', number: '34' },
          { desk: '3', number: '35' },
          { desk: '4', number: null },
        ],
        next: ['36', '37', '39', '40', '41'],
        waiting: 17,
        updated: '9:42',
      }),
      { wall: true, wide: true, refreshSeconds: 600, visitor: null },
    ),

  '/components': () =>
    page(
      'Piezas',
      '/components',
      html`<h1 class="govuk-heading-xl">Piezas</h1>
${look.notificationBanner({ language, text: 'El lunes 16 de noviembre no se trabaja.' })}
${look.notificationBanner({ language, text: 'Guardamos lo que escribió.', success: true, titleId: 'saved' })}
${section(
  'Botones',
  html`<div class="govuk-button-group">${look.button({ text: 'Guardar y seguir' })}${look.button({ text: 'Otra cosa', kind: 'secondary' })}${look.button({ text: 'Retirar mi solicitud', kind: 'warning' })}${look.button({ text: 'No se puede', disabled: true })}<a class="govuk-link" href="/">Cancelar</a></div>`,
)}
${section(
  'Campos',
  look.input({ name: 'name', label: 'Nombre completo', autocomplete: 'name' }),
  look.input({
    name: 'fee',
    label: 'Cuánto pagó, en pesos',
    prefix: '$',
    suffix: 'MXN',
    inputmode: 'decimal',
    classes: 'govuk-input--width-10',
  }),
  look.input({
    name: 'mail',
    type: 'email',
    label: 'Correo',
    hint: 'Ahí le avisamos.',
    error: 'Escriba un correo, como ana@ejemplo.mx',
    value: 'ana@',
    autocomplete: 'email',
  }),
  look.textarea({ name: 'why', label: 'Cuéntenos qué pasó', hint: 'No escriba datos de otras personas.' }),
  look.select({
    name: 'state',
    label: 'Estado',
    value: '20',
    items: [
      { value: '', text: 'Escoja uno' },
      { value: '20', text: 'Oaxaca' },
      { value: '21', text: 'Puebla' },
    ],
  }),
  look.fileUpload({
    name: 'proof',
    label: 'Comprobante de domicilio',
    hint: 'Foto o PDF, hasta 10 MB.',
    accept: 'image/*,application/pdf',
  }),
  look.radios({
    name: 'yes',
    classes: 'govuk-radios--inline',
    fieldset: { legend: '¿Renta el local?' },
    items: [
      { value: 'y', text: 'Sí' },
      { value: 'n', text: 'No' },
    ],
  }),
  look.checkboxes({
    name: 'days',
    error: 'Escoja al menos un día.',
    fieldset: { legend: '¿Qué días abre?' },
    items: [
      { value: '1', text: 'Entre semana', hint: 'De lunes a viernes' },
      { value: '2', text: 'Fin de semana', checked: true, conditional: look.input({ name: 'hours', label: 'De qué hora a qué hora' }) },
      { divider: 'o' },
      { value: '0', text: 'Todavía no sé', exclusive: true },
    ],
  }),
)}
${section(
  'Listas y tablas',
  look.summaryList({
    rows: [
      { key: 'Nombre', value: 'Ana Gómez', actions: [{ href: '/form', text: 'Cambiar', about: 'nombre' }] },
      { key: 'Local', value: 'Calle Reforma 12', actions: [{ href: '/form', text: 'Cambiar', about: 'local' }] },
    ],
  }),
  look.summaryList({
    card: { title: 'Su negocio', headingLevel: 3, actions: [{ href: '/form', text: 'Cambiar' }] },
    rows: [{ key: 'Giro', value: 'Panadería' }],
  }),
  look.scrolling(
    'Esperas por oficina',
    look.table({
      caption: 'Esperas por oficina',
      captionClasses: 'govuk-table__caption--m',
      head: ['Oficina', { text: 'Turnos', numeric: true }, { text: 'Minutos', numeric: true }],
      firstCellIsHeader: true,
      rows: [
        ['Comercio', { text: '1,204', numeric: true }, { text: '18.5', numeric: true }],
        ['Desarrollo Urbano', { text: '98', numeric: true }, { text: '111.0', numeric: true }],
      ],
    }),
  ),
)}
${section(
  'Avisos',
  html`<p class="govuk-body">${look.tag({ text: 'En espera', kind: 'waiting' })} ${look.tag({ text: 'Hecho', kind: 'done' })} ${look.tag({ text: 'Aquí', kind: 'here' })} ${look.tag({ text: 'Con error', kind: 'wrong' })} ${look.tag({ text: 'Retirado', kind: 'quiet' })} ${look.tag({ text: 'Normal' })}</p>`,
  look.insetText({ text: 'Guarde su número. Con él puede preguntar en cualquier oficina.' }),
  look.warningText({ language, text: 'Si no contesta antes del 4 de diciembre, su solicitud termina.' }),
  look.details({ summary: '¿No tiene comprobante?', body: 'Puede traer una constancia de su autoridad local.' }),
  look.details({ summary: '¿Es extranjero?', body: 'Sirve su tarjeta de residente.', open: true }),
  look.processPicture({ language, steps, here: 5 }),
  look.pagination({ language, previous: { href: '/a', label: 'Sus datos' }, next: { href: '/b', label: 'Su negocio' }, name: 'Pasos' }),
)}`,
      { demo: true, language: 'es' },
    ),
}

const types: Record<string, string> = { css: 'text/css', js: 'text/javascript', svg: 'image/svg+xml', woff2: 'font/woff2' }

/** DESIGN.md's policy, word for word: what it forbids must not be needed. */
export const csp =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

/** Serves the gallery on a free port of loopback (or the given one) until closed. */
export async function serveGallery(port = 0): Promise<{ url: string; close: () => Promise<void> }> {
  const server = createServer((request, reply) => {
    const path = request.url!.split('?')[0]!
    const asset = /^\/assets\/([\w.-]+)$/.exec(path)?.[1]
    try {
      if (asset) {
        reply.setHeader('content-type', types[asset.split('.').pop()!] ?? 'application/octet-stream')
        reply.end(readFileSync(join(look.assetFolder, asset)))
        return
      }
      const found = gallery[path]
      reply.statusCode = found ? 200 : 404
      reply.setHeader('content-type', 'text/html; charset=utf-8')
      reply.setHeader('content-security-policy', csp)
      reply.end(found ? String(found()) : 'not found')
    } catch (error) {
      reply.statusCode = 500
      reply.end(String(error))
    }
  })
  await new Promise<void>((done) => server.listen(port, '127.0.0.1', done))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => new Promise<void>((done) => server.close(() => done()).closeAllConnections()),
  }
}

if (process.argv[1] === import.meta.filename) {
  const { url } = await serveGallery(Number(process.argv[2] ?? 3999))
  process.stderr.write(`The gallery is at ${url}: ${Object.keys(gallery).join(' ')}\n`)
}
