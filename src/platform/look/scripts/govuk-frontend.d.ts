// The package ships no types. Each of its component modules exports its own class; the wildcard names all that we import.
declare module 'govuk-frontend/dist/govuk/components/*' {
  class Component {
    static readonly moduleName: string
    constructor(element: Element)
  }
  export const Button: typeof Component
  export const Checkboxes: typeof Component
  export const ErrorSummary: typeof Component
  export const NotificationBanner: typeof Component
  export class Radios extends Component {
    syncConditionalRevealWithInputState(input: HTMLInputElement): void
  }
  export const SkipLink: typeof Component
}
