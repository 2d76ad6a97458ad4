/** The look: whole pages, components and their styles. README.md lists every signature. */
export * from './assets.ts'
export * from './cards.ts'
export * from './charts.ts'
export * from './forms.ts'
export * from './layout.ts'
export * from './parts.ts'
export * from './process.ts'
export * from './turn.ts'
